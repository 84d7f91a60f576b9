// Errors that the control API answers with.

/** A request that cannot be done. `status` is that of HTTP. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly status: 400 | 404 | 409

  constructor(status: 400 | 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}
