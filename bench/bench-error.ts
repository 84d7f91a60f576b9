/** A failure that is explained completely by its message: shown without a stack. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
}
