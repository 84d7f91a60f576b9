// Changes that must not follow a failed one, because traffic would be lost.
import type { IpvsError, MarkRule } from 'ipvs'
import type { Change } from './change.ts'
import type { ChangeFailure } from './failure.ts'
import { serviceText } from './key-text.ts'

/** The reason for not trying a change. */
export interface Block {
  readonly why: string
  readonly error: IpvsError
}

function serviceKeyOf({ mark, address }: MarkRule): string {
  return serviceText({ fwmark: mark, family: address.includes(':') ? 'ipv6' : 'ipv4' })
}

export class Guard {
  // Errors by the key of a service.
  readonly #failed = new Map<string, IpvsError>() // an addition or update of the service or of its destinations failed
  readonly #missing = new Map<string, IpvsError>() // the service could not be added
  #rules: IpvsError | undefined // the transaction of mark rules failed

  /** Records a failed change. */
  record({ change, error, outcome }: ChangeFailure): void {
    if (outcome === 'applied') return
    if (change.kind === 'mark') this.#rules ??= error
    if ((change.kind !== 'service' && change.kind !== 'destination') || change.action === 'remove') return
    const key = serviceText(change.service)
    if (!this.#failed.has(key)) this.#failed.set(key, error)
    if (change.kind === 'service' && change.action === 'add') this.#missing.set(key, error)
  }

  /** The reason why the service of a destination is missing, if an earlier change could not add it. */
  missingService(change: Change): Block | undefined {
    const error = change.kind === 'destination' ? this.#missing.get(serviceText(change.service)) : undefined
    return error && { why: 'its service could not be added', error }
  }

  /** The reason why a change must not be applied now, if any. */
  block(change: Change): Block | undefined {
    if (change.kind === 'destination' && change.action === 'remove') {
      const error = this.#failed.get(serviceText(change.service))
      return error && { why: 'another change of its service failed', error }
    }
    if (change.kind === 'service' && change.action === 'remove' && change.service.fwmark !== undefined) {
      return this.#rules && { why: 'rules that lead to it may still be there', error: this.#rules }
    }
    if (change.kind !== 'mark' || change.action === 'remove') return undefined
    const error = this.#missing.get(serviceKeyOf(change.rule))
    return error && { why: 'its service could not be added', error }
  }
}
