// Errors of the binding, as words about the file.
import { IpvsError } from 'ipvs'

/** What the binding says of one value. */
export interface BindingWords {
  /** Path of the value: `destination.weight`, `rules[3].ports`; empty if none was refused. */
  readonly attribute: string
  readonly text: string
}

/** Throws errors that are not about a value: these are bugs. */
export function bindingWords(error: unknown): BindingWords {
  if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_INVALID_ARGUMENT') throw error
  const { attribute = '', operation, message } = error
  const head = attribute === '' ? `${operation}: ` : `${operation}: ${attribute}: `
  return { attribute, text: message.startsWith(head) ? message.slice(head.length) : message }
}
