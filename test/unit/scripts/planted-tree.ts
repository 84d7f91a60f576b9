// A small tree with planted files, to try a check of the sources on.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const root: string = new URL('../../..', import.meta.url).pathname

export class PlantedTree implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'ipvs-planted-'))

  constructor(folders: readonly string[]) {
    for (const folder of folders) mkdirSync(join(this.path, folder), { recursive: true })
  }

  plant(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true })
      writeFileSync(join(this.path, name), `${text}\n`)
    }
  }

  /** Runs a script of this project on the tree. */
  check(script: string): { status: number | null; problems: string } {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', script), this.path], {
      encoding: 'utf8',
    })
    return { status, problems: stderr }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true })
  }
}
