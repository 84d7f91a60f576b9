// Checks as checkers of keepalived.
import type { Check, PortRange } from '../site/site.ts'

const seconds = (ms: number): string => String(Math.max(0.1, Math.round(ms / 100) / 10))
/** keepalived reads quoted words. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
const rangeText = ({ from, to }: PortRange): string => (from === to ? String(from) : `${from}-${to}`)

/** Lines of a block, indented. */
export function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => (line === '' ? '' : `    ${line}`)), '}']
}

type Kind<Name extends Check['kind']> = Extract<Check, { kind: Name }>

/** Settings of every checker. keepalived takes a server as failed after `retry` more failures. */
function commonLines(check: Check, port: number | undefined): string[] {
  const { address, from, limits, fall, intervalMs, whileFailingMs } = check
  return [
    ...(address === undefined ? [] : [`connect_ip ${address}`]),
    ...(port === undefined ? [] : [`connect_port ${port}`]),
    ...(from.address === undefined ? [] : [`bindto ${from.address}`]),
    ...(from.device === undefined ? [] : [`bind_if ${from.device}`]),
    `connect_timeout ${seconds(limits.connect)}`,
    `delay_loop ${seconds(intervalMs)}`,
    `retry ${fall - 1}`,
    `delay_before_retry ${seconds(whileFailingMs)}`,
  ]
}

function webLines(check: Kind<'http'>, lost: (text: string) => void): string[] {
  const { path, host, method, headers, status, body, tls, port } = check
  if (method !== 'GET') lost(`method ${method}`)
  if (Object.keys(headers).length > 0) lost('headers')
  if (tls?.verify === true) lost('keepalived does not verify certificates')
  const url = [
    `path ${path}`,
    `status_code ${status.map(rangeText).join(' ')}`,
    ...(host === undefined ? [] : [`virtualhost ${host}`]),
    ...(body?.match === undefined ? [] : [`regex ${quoted(body.match)}`]),
    ...(body?.absent === undefined ? [] : [`regex_no_match ${quoted(body.absent)}`]),
  ]
  const sni = tls === undefined || (tls.serverName ?? host) === undefined ? [] : ['enable_sni']
  return block(tls === undefined ? 'HTTP_GET' : 'SSL_GET', [...block('url', url), ...sni, ...commonLines(check, port)])
}

/** The checker of a check. `undefined`: there is none. `lost` gets what the checker does not say. */
export function checkerLines(check: Check, lost: (text: string) => void): string[] | undefined {
  if (check.rise > 1) lost(`rise ${check.rise}: one success is enough for keepalived`)
  switch (check.kind) {
    case 'tcp':
      if (check.send !== undefined || check.expect !== undefined) lost('send and expect: keepalived only connects')
      if (check.tls !== undefined) lost('TLS: keepalived only connects')
      return block('TCP_CHECK', commonLines(check, check.port))
    case 'http':
      return webLines(check, lost)
    case 'dns':
      if (check.expect !== undefined) lost('expect: any answer is enough')
      return block('DNS_CHECK', [`type ${check.type}`, `name ${check.query}`, ...commonLines(check, check.port)])
    case 'udp': {
      const payload = check.send === '' ? [] : [`payload ${Buffer.from(check.send).toString('hex')}`]
      if (check.expect !== undefined) lost('expect: any answer is enough')
      const reply = check.expect === undefined ? [] : ['require_reply']
      return block('UDP_CHECK', [...payload, ...reply, ...commonLines(check, check.port)])
    }
    case 'ping':
      return block('PING_CHECK', commonLines(check, undefined))
    case 'smtp':
      return block('SMTP_CHECK', commonLines(check, check.port))
    case 'command': {
      const path = check.command.map((word) => (/^[\w./:=@%+-]+$/.test(word) ? word : `'${word}'`)).join(' ')
      lost('programs need script_user and enable_script_security in global_defs')
      lost('IPVS_DIRECTOR_ADDRESS is not set for programs')
      const timing = commonLines(check, undefined).filter((line) => !/^(?:connect|bind)/.test(line))
      return block('MISC_CHECK', [
        `misc_path ${quoted(path)}`,
        `misc_timeout ${Math.ceil(check.limits.total / 1000)}`,
        ...timing,
      ])
    }
    case 'ftp':
    case 'imap':
    case 'pop':
    case 'ldap':
    case 'redis':
    case 'mysql':
    case 'postgres':
    case 'grpc':
      lost(`${check.kind}: keepalived only connects`)
      return block('TCP_CHECK', commonLines(check, check.port))
    default:
      lost(`${check.kind}: there is no such checker`)
      return undefined
  }
}
