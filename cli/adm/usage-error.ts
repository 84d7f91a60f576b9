// Errors of command lines.

import { ADM_CANNOT_LIST as CANNOT_LIST, ADM_FAILED as FAILED, ADM_USAGE as BAD_COMMAND } from '../shared/status.ts'

export { BAD_COMMAND, CANNOT_LIST, FAILED }

/** An invalid command line, with its exit status. */
export class UsageError extends Error {
  readonly status: number
  /** Whether `-R` stops at this line. */
  readonly ends: boolean

  constructor(message: string, status: number = BAD_COMMAND, ends = true) {
    super(message)
    this.status = status
    this.ends = ends
  }
}

/** The error for a command line without a valid command. */
export function tryHelp(): UsageError {
  return new UsageError("Try `ipvsadm -h' or 'ipvsadm --help' for more information.", FAILED)
}

/** A host name that must be looked up; then the command line is parsed again. */
export class UnknownHost extends Error {
  readonly host: string

  constructor(host: string) {
    super(`${host} has not been looked up`)
    this.host = host
  }
}
