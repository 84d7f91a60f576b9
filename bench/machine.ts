// Describes the measuring machine, for the report.
import { cpus, loadavg, totalmem } from 'node:os'

export function describeMachine(): string {
  const processors = cpus()
  const model = processors[0]?.model.trim() ?? 'unknown processor'
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `${processors.length} x ${model}, ${gigabytes} GiB, load ${loadavg()[0]?.toFixed(1)} before`
}
