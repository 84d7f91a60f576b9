// Checks of an ldirectord.cf file.
import { durationText } from '../site/duration.ts'
import type { CheckTree, Remarks, TimingTree } from './imported.ts'
import type { LdirectordSettings } from './ldirectord-lines.ts'

/** What the check of one server needs. */
export interface LdirectordCheckInput {
  readonly settings: LdirectordSettings
  readonly line: number
  readonly isUdp: boolean
  /** The virtual service; without port for a mark. */
  readonly address: string
  readonly servicePort: number | undefined
  /** Port of the server, if it is not the service's only one. */
  readonly port: number | undefined
  readonly request: string | undefined
  readonly receive: string | undefined
  readonly remarks: Remarks
}

const servicesByPort: Readonly<Record<number, string>> = {
  21: 'ftp',
  25: 'smtp',
  53: 'dns',
  80: 'http',
  110: 'pop',
  119: 'nntp',
  143: 'imap',
  389: 'ldap',
  443: 'https',
  587: 'submission',
  993: 'imaps',
  995: 'pops',
  3306: 'mysql',
  5060: 'sip',
  5432: 'pgsql',
}

/** The kind of check of a service whose greeting is enough. */
const greetings: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>> = {
  ftp: { ftp: {} },
  smtp: { smtp: {} },
  submission: { smtp: {} },
  pop: { pop: {} },
  pops: { pop: { tls: { verify: false } } },
  imap: { imap: {} },
  imaps: { imap: { tls: { verify: false } } },
  ldap: { ldap: {} },
  mysql: { mysql: {} },
  pgsql: { postgres: {} },
  nntp: { tcp: { expect: '^20[01]' } },
}

/** Interval, limit and counts: they are the same for all servers of a service. */
export function ldirectordTiming(settings: LdirectordSettings): TimingTree {
  const interval = durationText(settings.number('checkinterval', 10) * 1000)
  const connects = /^(?:connect|ping|external|external-perl)$/i.test(settings.text('checktype') ?? '')
  const negotiate = settings.number('negotiatetimeout', 30)
  const seconds = connects ? settings.number('checktimeout', 5) : negotiate
  const fall = settings.number('failurecount', 1)
  return { interval, timeout: durationText(seconds * 1000), whileFailing: interval, rise: 1, fall }
}

function httpCheck({ settings, request, receive, remarks, line }: LdirectordCheckInput, isTls: boolean): CheckTree {
  const method = settings.text('httpmethod')?.toUpperCase()
  const host = settings.text('virtualhost')
  const path = request === undefined ? undefined : `/${request.replace(/^(?:https?:\/\/[^/]*)?\/*/i, '')}`
  const check = {
    ...(path === undefined ? {} : { path }),
    ...(method === undefined || method === 'GET' ? {} : { method }),
    ...(host === undefined ? {} : { host }),
    ...(receive === undefined || method === 'HEAD' ? {} : { body: { match: receive } }),
  }
  if (receive !== undefined && method === 'HEAD') remarks.add('lost', line, 'HEAD has no body: receive means nothing')
  if (!isTls) return { http: check }
  remarks.add('assumed', line, 'certificates are not verified: remove "verify: false" if they should be')
  return { https: { ...check, verify: false } }
}

function negotiated(service: string, input: LdirectordCheckInput): CheckTree | undefined {
  const { settings, line, request, receive, isUdp, remarks } = input
  const greeting = greetings[service]
  if (greeting !== undefined) {
    const login = settings.get('login') ?? settings.get('request')
    if (login !== undefined) {
      remarks.add(
        'changed',
        login.line,
        `${service}: the check reads the greeting; it does not log in, and asks nothing`,
      )
    }
    return greeting
  }
  switch (service) {
    case 'http':
    case 'https':
      return httpCheck(input, service === 'https')
    case 'dns':
      if (request === undefined) break
      return { dns: { query: request, ...(receive === undefined ? {} : { expect: receive }) } }
    case 'simpletcp': {
      const send = request?.replaceAll(String.raw`\n`, '\n').replaceAll(String.raw`\r`, '\r')
      return { tcp: { ...(send === undefined ? {} : { send }), ...(receive === undefined ? {} : { expect: receive }) } }
    }
    case 'none':
      return undefined
    default:
  }
  const kind = isUdp ? 'ping' : 'tcp'
  remarks.add('changed', line, `${service}: there is no such check; the site has ${kind}`)
  return { [kind]: {} }
}

/** The program gets the virtual address and port, the server's address and port. */
function externalCheck(command: string, { address, servicePort, port }: LdirectordCheckInput): CheckTree {
  const words = [address, String(servicePort ?? 0), String(port ?? servicePort ?? 0)]
  return {
    command: { run: ['/bin/sh', '-c', `exec ${command} "$1" "$2" "$IPVS_DIRECTOR_ADDRESS" "$3"`, 'check', ...words] },
  }
}

function withPort(check: CheckTree, port: number | undefined): CheckTree {
  const [[kind, fields]] = Object.entries(check) as [[string, CheckTree[string]]]
  return port === undefined || kind === 'ping' || kind === 'command' ? check : { [kind]: { port, ...fields } }
}

/** The check of a server; `undefined`: it counts as up. */
export function ldirectordCheck(input: LdirectordCheckInput): CheckTree | undefined {
  const { settings, line, servicePort, isUdp, remarks } = input
  const given = settings.get('checktype')
  const type = (settings.text('checktype') ?? 'negotiate').toLowerCase()
  const checkPort = settings.number('checkport', 0)
  const port = checkPort === 0 || checkPort === servicePort ? input.port : checkPort
  const service = settings.text('service')?.toLowerCase() ?? servicesByPort[checkPort || (servicePort ?? 0)] ?? 'none'
  const make = (): CheckTree | undefined => {
    switch (type) {
      case 'on':
        return undefined
      case 'off':
        remarks.add('changed', given?.line, 'checktype off: ldirectord adds no server; here they count as up')
        return undefined
      case 'ping':
        return { ping: {} }
      case 'connect':
        return isUdp ? { ping: {} } : { tcp: {} }
      case 'external': {
        const command = settings.text('checkcommand')
        if (command !== undefined) return externalCheck(command, input)
        remarks.add('lost', line, 'checktype external without checkcommand')
        return undefined
      }
      case 'external-perl':
        remarks.add('lost', given?.line, 'checktype external-perl: write a command check')
        return undefined
      default:
        if (/^\d+$/.test(type)) {
          remarks.add(
            'changed',
            given?.line,
            `checktype ${type}: every check asks the service, not only one of ${type}`,
          )
        } else if (type !== 'negotiate')
          remarks.add('changed', given?.line, `checktype ${type} is not known; taken for negotiate`)
        return negotiated(service, input)
    }
  }
  const check = make()
  return check === undefined ? undefined : withPort(check, port)
}
