// Command lines that cannot be carried out.

import { ADM_CANNOT_LIST as CANNOT_LIST, ADM_FAILED as FAILED, ADM_USAGE as BAD_COMMAND } from '../shared/status.ts'

export { BAD_COMMAND, CANNOT_LIST, FAILED }

/** What is wrong with a command line, and the exit status that says so. */
export class UsageError extends Error {
  readonly status: number
  /** Whether the lines behind it are left alone, too, when it is a line of `-R`. */
  readonly ends: boolean

  constructor(message: string, status: number = BAD_COMMAND, ends = true) {
    super(message)
    this.status = status
    this.ends = ends
  }
}

/** What is said where no sense can be made of the words. */
export function tryHelp(): UsageError {
  return new UsageError("Try `ipvsadm -h' or 'ipvsadm --help' for more information.", FAILED)
}

/** A name that has to be looked up before the command line can be understood: then it is parsed again. */
export class UnknownHost extends Error {
  readonly host: string

  constructor(host: string) {
    super(`${host} has not been looked up`)
    this.host = host
  }
}
