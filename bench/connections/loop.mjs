// Reads a million lines from a file in memory into a table: time, memory, and pauses of the event loop.
//   node --expose-gc bench/connections/loop.mjs [lines]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { ConnectionPass } from '../../dist/connections/pass.js'
import { ConnectionTable, BLOCK_ROWS } from '../../dist/connections/table.js'

const lines = Number(process.argv[2] ?? 1_000_000)
const folder = mkdtempSync('/dev/shm/connections-')
const file = join(folder, 'ip_vs_conn')
const hex = (value, digits) => value.toString(16).toUpperCase().padStart(digits, '0')
const line = (index) =>
  `TCP ${hex(0x0b000000 + index, 8)} ${hex(1024 + (index % 60_000), 4)} AC100064 0050 0A0200${hex(index % 16, 2)} 1F90 ESTABLISHED ${String(index % 900).padStart(7)}\n`
const header = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n'
writeFileSync(file, header + Array.from({ length: lines }, (_, index) => line(index)).join(''))

// CPU time of the main thread: on a busy machine the event loop also waits for other processes.
const mainThreadMs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6

async function during(name, work) {
  globalThis.gc()
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = process.memoryUsage()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  const cpu = mainThreadMs()
  const result = await work()
  const ms = performance.now() - start
  const mainThreadCpuMs = mainThreadMs() - cpu
  delay.disable()
  globalThis.gc() // releases the unused part of the last block
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { external } = process.memoryUsage()
  const bytesPerRow = (external - before.external) / lines
  const longestDelayMs = Math.max(0, delay.max / 1e6 - 1)
  console.log(
    JSON.stringify({
      name,
      ms: Math.round(ms),
      longestDelayMs: Number(longestDelayMs.toFixed(1)),
      mainThreadCpuMs: Number(mainThreadCpuMs.toFixed(1)),
      bytesPerRow: Number(bytesPerRow.toFixed(1)),
    }),
  )
  return result
}

try {
  const table = await during('table', async () => {
    const pass = new ConnectionPass({ operation: 'bench', target: file }, { file }, undefined)
    const blocks = []
    for (let done = false; !done;) {
      const block = await pass.block(BLOCK_ROWS, BLOCK_ROWS)
      blocks.push(block)
      done = block.done
    }
    await pass.close()
    return new ConnectionTable(blocks)
  })
  await during('countBy destination, state', () => table.countBy('destination', 'state'))
  await during('top 10 clients of a million', () => table.top(10, 'client'))
  await during('column state', () => table.column('state'))
  await during('toArray', () => table.toArray())
} finally {
  rmSync(folder, { recursive: true })
}
