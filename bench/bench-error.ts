/** A failure whose message explains it completely: shown without a stack. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
}
