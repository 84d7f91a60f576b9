// `ipvs-director status`, `events`, `explain`, `reload`: what the daemon says.
import type { Command } from 'commander'
import type { DirectorEvent } from '../control/events.ts'
import type { ReloadAnswer, ServerStatus, ServiceStatus, Status } from '../control/status.ts'
import { clientOf, withFolders, type FolderOptions } from './options.ts'
import { failedLines, printJson, printLines } from './output.ts'

interface ShowOptions extends FolderOptions {
  readonly json?: true
}

const time = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 19)

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), [])
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '))
}

function serverRow({ name, address, port, health, weight, configuredWeight, reason }: ServerStatus): string[] {
  const endpoint = port === undefined ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`
  const current = weight === undefined ? '-' : String(weight)
  return ['  ', name, endpoint, health, `weight ${current} (${configuredWeight})`, reason]
}

function serviceLines({ name, virtuals, scheduler, up, servers, alarms }: ServiceStatus): string[] {
  const head = `${name}: ${virtuals.join(', ')}, ${scheduler}, ${up} of ${servers.length} servers have traffic`
  return [head, ...columns(servers.map(serverRow)), ...alarms.map((alarm) => `  ALARM ${alarm}`)]
}

export function statusLines({ site, ready, lastRound, services }: Status): string[] {
  const round =
    lastRound === undefined
      ? 'no round yet'
      : `last round ${time(lastRound.at)}, ${lastRound.failures.length === 0 ? 'fine' : `${lastRound.failures.length} failures`}`
  return [
    `site ${site.file} of ${time(site.loadedAt)}; ${ready ? 'ready' : 'not ready yet'}; ${round}`,
    ...failedLines(lastRound?.failures ?? []),
    ...site.refused.map((each) => `NOT USED ${each}`),
    ...services.flatMap(serviceLines),
  ]
}

export function eventLine({ time: at, level, text, kind }: DirectorEvent): string {
  return `${time(at)} ${level.padEnd(7)} ${kind}: ${text.replaceAll('\n', '\n    ')}`
}

async function status(options: ShowOptions): Promise<void> {
  const answer = await clientOf(options).get<Status>('/v1/status')
  if (options.json) printJson(answer)
  else printLines(statusLines(answer))
  if (answer.alarms.length > 0 || answer.site.refused.length > 0) process.exitCode = 1
}

async function events(options: ShowOptions & { readonly follow?: true }): Promise<void> {
  const client = clientOf(options)
  const print = (event: DirectorEvent): void => {
    if (options.json) process.stdout.write(`${JSON.stringify(event)}\n`)
    else printLines([eventLine(event)])
  }
  if (options.follow) {
    for await (const event of client.follow(0)) print(event)
    return
  }
  const answer = await client.get<{ events: readonly DirectorEvent[] }>('/v1/events')
  for (const event of answer.events) print(event)
}

async function explain(server: string, options: ShowOptions): Promise<void> {
  const path = server.split('/').map(encodeURIComponent).join('/')
  const { lines } = await clientOf(options).get<{ lines: readonly string[] }>(`/v1/explain/${path}`)
  if (options.json) printJson({ lines })
  else printLines(lines)
}

async function reload(options: ShowOptions): Promise<void> {
  const answer = await clientOf(options).post<ReloadAnswer>('/v1/reload')
  const { problems, failures } = answer
  if (options.json) printJson(answer)
  else if (problems.length > 0) printLines([...problems, 'the last good site stays in use'])
  else printLines(['the site is in use', ...failedLines(failures)])
  if (problems.length + failures.length > 0) process.exitCode = 1
}

export function addStatus(program: Command): void {
  withFolders(program.command('status'))
    .description(
      'prints services, servers, weights and reasons. Exit status 1: there are alarms, or a newer site is refused',
    )
    .option('--json', 'prints JSON')
    .action(async (options: ShowOptions) => status(options))
  withFolders(program.command('events'))
    .description('prints what happened')
    .option('-f, --follow', 'goes on')
    .option('--json', 'prints a JSON object a line')
    .action(async (options: ShowOptions & { follow?: true }) => events(options))
  withFolders(program.command('explain <service/server>'))
    .description('prints why a server has its weight')
    .option('--json', 'prints JSON')
    .action(async (server: string, options: ShowOptions) => explain(server, options))
  withFolders(program.command('reload'))
    .description('reads the site again')
    .option('--json', 'prints JSON')
    .action(async (options: ShowOptions) => reload(options))
}
