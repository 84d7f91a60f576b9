// Checkers of keepalived.
import { durationText } from '../site/duration.ts'
import type { CheckTree, Remarks, TimingTree } from './imported.ts'
import { Statements, type Statement } from './keepalived-tree.ts'

/** Where the settings of a checker come from: its own first, then the server's, then the service's. */
export interface CheckerInput {
  readonly checker: Statement
  readonly server: Statements
  readonly service: Statements
  /** Port of the real server. */
  readonly port: number
  /** The port goes without saying. */
  readonly isPlainPort: boolean
  readonly remarks: Remarks
}

const retries: Readonly<Record<string, number>> = { DNS_CHECK: 3, MISC_CHECK: 0 }
const retryDelays: Readonly<Record<string, number>> = { HTTP_GET: 3, SSL_GET: 3 }

/** Of HTTP_GET: a status or a range. */
const statusOf = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text)

/** Arguments of a command line in one word. */
const argumentsOf = (text: string): readonly string[] =>
  [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

class Checker {
  readonly #input: CheckerInput
  readonly #own: Statements
  readonly #kind: string

  constructor(input: CheckerInput) {
    this.#input = input
    this.#own = new Statements(input.checker)
    this.#kind = input.checker.words[0] ?? ''
  }

  #number(...keywords: readonly string[]): number | undefined {
    const { server, service } = this.#input
    return this.#own.number(...keywords) ?? server.number(...keywords) ?? service.number(...keywords)
  }

  #seconds(value: number): string {
    return durationText(Math.max(100, Math.round(value * 1000)))
  }

  #timing(): TimingTree {
    const interval = this.#number('delay_loop') ?? 60
    const retry = this.#number('retry', 'nb_get_retry', 'nb_sock_retry') ?? retries[this.#kind] ?? 1
    const delay =
      this.#number('delay_before_retry') ?? retryDelays[this.#kind] ?? (this.#kind === 'DNS_CHECK' ? interval : 1)
    const isCommand = this.#kind === 'MISC_CHECK'
    const timeout = isCommand ? (this.#own.number('misc_timeout') ?? interval) : (this.#number('connect_timeout') ?? 5)
    return {
      interval: this.#seconds(interval),
      timeout: this.#seconds(timeout),
      ...(delay === interval || retry === 0 ? {} : { whileFailing: this.#seconds(Math.min(delay, interval)) }),
      rise: 1,
      fall: retry + 1,
    }
  }

  /** Address, port and source, where they differ from those of the server. */
  #place(own: Statements = this.#own): Record<string, unknown> {
    const port = own.number('connect_port') ?? this.#own.number('connect_port') ?? this.#input.port
    const address = own.text('connect_ip') ?? this.#own.text('connect_ip')
    const from = {
      address: own.text('bindto') ?? this.#own.text('bindto'),
      device: own.text('bind_if') ?? this.#own.text('bind_if'),
    }
    const source = Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined))
    const isPlain = this.#input.isPlainPort && port === this.#input.port
    return {
      ...(isPlain || port === 0 ? {} : { port }),
      ...(address === undefined ? {} : { address }),
      ...(Object.keys(source).length === 0 ? {} : { from: source }),
    }
  }

  #lost(text: string): void {
    this.#input.remarks.add('lost', this.#input.checker.line, `${this.#kind}: ${text}`)
  }

  /** The checks, without timing. */
  #bodies(): readonly CheckTree[] {
    switch (this.#kind) {
      case 'TCP_CHECK':
        return [{ tcp: this.#place() }]
      case 'HTTP_GET':
      case 'SSL_GET':
        return this.#web()
      case 'SMTP_CHECK':
        return this.#mail()
      case 'DNS_CHECK':
        return [
          { dns: { ...this.#place(), query: this.#own.text('name') ?? '.', type: this.#own.text('type') ?? 'SOA' } },
        ]
      case 'PING_CHECK':
        return [{ ping: {} }]
      case 'MISC_CHECK':
        return this.#program()
      case 'UDP_CHECK':
        return this.#datagram()
      default:
        this.#lost('there is no such check')
        return []
    }
  }

  #web(): readonly CheckTree[] {
    const isTls = this.#kind === 'SSL_GET'
    if (isTls) {
      const text = 'certificates are not verified: remove "verify: false" if they should be'
      this.#input.remarks.add('assumed', this.#input.checker.line, `SSL_GET: ${text}`)
    }
    const urls = this.#own.all.filter(({ words }) => words[0] === 'url').map((url) => new Statements(url))
    if (urls.length === 0) this.#lost('no url')
    return urls.map((url) => ({ [isTls ? 'https' : 'http']: { ...this.#place(), ...this.#url(url, isTls) } }))
  }

  #url(url: Statements, isTls: boolean): Record<string, unknown> {
    const { server, service } = this.#input
    const host =
      url.text('virtualhost') ??
      this.#own.text('virtualhost') ??
      server.text('virtualhost') ??
      service.text('virtualhost')
    const statuses = url.get('status_code')?.words.slice(1).map(statusOf) ?? []
    const match = url.text('regex')
    const absent = url.text('regex_no_match')
    if (url.has('digest')) this.#lost('the digest of a page; compare a part of it with body.match')
    const path = url.text('path') ?? '/'
    const body = { ...(match === undefined ? {} : { match }), ...(absent === undefined ? {} : { absent }) }
    return {
      ...(path === '/' ? {} : { path }),
      ...(host === undefined ? {} : { host }),
      ...(statuses.length === 0 ? {} : { status: statuses.length === 1 ? statuses[0] : statuses }),
      ...(Object.keys(body).length === 0 ? {} : { body }),
      ...(isTls && this.#own.has('enable_sni') && host !== undefined ? { serverName: host } : {}),
      ...(isTls ? { verify: false } : {}),
    }
  }

  #mail(): readonly CheckTree[] {
    const hosts = this.#own.all.filter(({ words }) => words[0] === 'host')
    if (hosts.length === 0) return [{ smtp: this.#place() }]
    return hosts.map((host) => ({ smtp: this.#place(new Statements(host)) }))
  }

  #program(): readonly CheckTree[] {
    const given = this.#own.get('misc_path')?.words.slice(1) ?? []
    const words = given.length === 1 ? argumentsOf(given[0] ?? '') : given
    if (words.length === 0) this.#lost('no misc_path')
    if (this.#own.has('misc_dynamic')) this.#lost('misc_dynamic: weights by exit status; an agent check has weights')
    if (this.#own.has('user')) this.#lost('user: a check runs as the user of the daemon')
    return words.length === 0 ? [] : [{ command: { run: words } }]
  }

  #datagram(): readonly CheckTree[] {
    const bytes = Buffer.from((this.#own.text('payload') ?? '').replaceAll(/[^\da-fA-F]/g, ''), 'hex')
    const isText = bytes.every((byte) => byte < 0x80 && byte > 0)
    if (!isText) this.#lost('payload: only text can be sent')
    if (this.#own.has('reply')) this.#lost('reply: any answer is accepted')
    const expect = this.#own.has('reply') || this.#own.has('require_reply') ? { expect: String.raw`[\s\S]` } : {}
    const send = isText && bytes.length > 0 ? { send: bytes.toString('latin1') } : {}
    return [{ udp: { ...this.#place(), ...send, ...expect } }]
  }

  checks(): readonly CheckTree[] {
    if (this.#own.has('fwmark')) this.#lost('fwmark: probes have no mark of their own')
    const timing = this.#timing()
    return this.#bodies().map((body) => {
      const [[kind, fields]] = Object.entries(body) as [[string, CheckTree[string]]]
      return { [kind]: { ...fields, ...timing } }
    })
  }
}

/** `TCP_CHECK` and the like. */
export const isChecker = ({ words, children }: Statement): boolean =>
  children !== undefined && /^[A-Z]+_(?:GET|CHECK)$/.test(words[0] ?? '')

/** The checks of one checker: all must succeed. */
export const keepalivedChecks = (input: CheckerInput): readonly CheckTree[] => new Checker(input).checks()
