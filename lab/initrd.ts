// The initrd: busybox, two scripts and the modules that the guest needs to see the host's files.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { packInitrd, type InitrdEntry } from './cpio.ts'
import type { Engine } from './engine.ts'
import { initScript, stage2Script } from './guest-scripts.ts'
import { LabUsageError } from './host.ts'
import { loadOrder, readModule, type LoadableModule } from './modules.ts'

/**
 * Creates the initrd in `folder` unless it exists. Its name contains a hash of everything in it that can change for one kernel,
 * so a lab with different scripts never uses an old initrd.
 */
export async function ensureInitrd(engine: Engine, folder: string, modules: string, busybox: string): Promise<string> {
  const order = loadOrder(modules, engine.bootModules)
  const program = readFileSync(busybox)
  checkStatic(program, busybox)
  const hash = createHash('sha256').update(initScript(engine)).update(stage2Script(engine)).update(program)
  for (const module of order) hash.update(module.file)
  const file = path.join(folder, `initrd-${hash.digest('hex').slice(0, 16)}.cpio`)
  if (existsSync(file)) return file
  const unfinished = `${file}.${process.pid}`
  await writeFile(unfinished, packInitrd(await initrdEntries(engine, order, program)))
  await rename(unfinished, file)
  return file
}

async function initrdEntries(
  engine: Engine,
  order: readonly LoadableModule[],
  busybox: Uint8Array,
): Promise<InitrdEntry[]> {
  const folders = ['bin', 'dev', 'lab', 'layer', 'lower', 'modules', 'proc', 'root']
  const entries: InitrdEntry[] = folders.map((name) => ({ path: name, mode: 0o755 }))
  entries.push(
    { path: 'init', mode: 0o755, content: Buffer.from(initScript(engine)) },
    { path: 'lab/stage2', mode: 0o755, content: Buffer.from(stage2Script(engine)) },
    { path: 'bin/busybox', mode: 0o755, content: busybox },
    { path: 'modules/order', mode: 0o644, content: Buffer.from(order.map((module) => `${module.name}.ko\n`).join('')) },
  )
  for (const module of order) {
    entries.push({ path: `modules/${module.name}.ko`, mode: 0o644, content: await readModule(module.file) })
  }
  return entries
}

/** The initrd has no libraries, so busybox must be static: no interpreter (PT_INTERP). */
function checkStatic(program: Buffer, file: string): void {
  const headerOffset = Number(program.readBigUInt64LE(32))
  const headerSize = program.readUInt16LE(54)
  const headerCount = program.readUInt16LE(56)
  const interpreter = 3
  for (let index = 0; index < headerCount; index++) {
    if (program.readUInt32LE(headerOffset + index * headerSize) === interpreter) {
      throw new LabUsageError(`${file} is linked dynamically; the lab needs a static busybox`)
    }
  }
}
