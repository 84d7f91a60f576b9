// Latency of one operation.
import { median } from '../statistics.ts'

/** The median time, in seconds, of sequential operations. */
export async function medianOfRounds(rounds: number, operation: (index: number) => Promise<void>): Promise<number> {
  const seconds: number[] = []
  for (let index = 0; index < 2 * rounds; index++) {
    const start = performance.now()
    await operation(index)
    seconds.push((performance.now() - start) / 1000)
  }
  return median(seconds)
}
