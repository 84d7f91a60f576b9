// Addresses with ports as people write them: `192.0.2.10:80`, `www:http`, `[fd00::1]:80`, `10.0.0.1->10.0.0.9:80`.
import type { ImportContext, Remarks } from './imported.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number | undefined
}

const MOST_SERVERS = 1024

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const textOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.trunc(number / 2 ** shift) % 256).join('.')

export class HostAddresses {
  readonly #context: ImportContext
  readonly #remarks: Remarks

  constructor(context: ImportContext, remarks: Remarks) {
    this.#context = context
    this.#remarks = remarks
  }

  /** `undefined`: it cannot be read, which is remarked. */
  endpoint(text: string, line: number): Endpoint | undefined {
    const [, v6, plain = '', port] = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\S+))?$/.exec(text) ?? []
    const address = v6 ?? this.#address(plain, line)
    if (address !== undefined && address !== '')
      return { address, port: port === undefined ? undefined : this.#port(port, line) }
    this.#remarks.add('lost', line, `${text}: not understood`)
    return undefined
  }

  #address(text: string, line: number): string | undefined {
    if (text === '' || /^\d+(?:\.\d+){3}$/.test(text)) return text
    const address = this.#context.address(text)
    if (address === undefined) this.#remarks.add('lost', line, `the name ${text} has no address`)
    else this.#remarks.add('changed', line, `${text} is ${address} today; a site has addresses`)
    return address
  }

  #port(text: string, line: number): number | undefined {
    const port = /^\d+$/.test(text) ? Number(text) : this.#context.port(text)
    if (port === undefined) this.#remarks.add('lost', line, `${text} is no port and no known service`)
    return port
  }

  /** One server, or the servers of a range. */
  range(text: string, line: number): readonly Endpoint[] {
    const [, first = '', last = '', end = ''] = /^(\d+(?:\.\d+){3})->(\d+(?:\.\d+){3})(:\S+)?$/.exec(text) ?? []
    if (last === '') {
      const one = this.endpoint(text, line)
      return one === undefined ? [] : [one]
    }
    const count = numberOf(last) - numberOf(first) + 1
    if (count < 1 || count > MOST_SERVERS) {
      this.#remarks.add('lost', line, `${text}: a range of 1 to ${MOST_SERVERS} addresses`)
      return []
    }
    const addresses = Array.from({ length: count }, (_, index) => textOf(numberOf(first) + index))
    const port = end === '' ? undefined : this.#port(end.slice(1), line)
    return addresses.map((address) => ({ address, port }))
  }
}
