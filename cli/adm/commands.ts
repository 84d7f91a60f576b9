// The commands of `ipvs adm`: all kernel access of `adm` is here and in restore.ts.
import type { Connection, Ipvs, ServiceSnapshot } from 'ipvs'
import type { Streams } from '../shared/streams.ts'
import { lookUpHost, lookUpNames, numericNames, type Names } from './names.ts'
import { parse, type Command, type TimeoutSeconds } from './parse.ts'
import { addressesOf, connectionHeadings, connectionLine, renderDaemons, renderTimeouts } from './render-listings.ts'
import { UnknownHost } from './usage-error.ts'

/** A single command; `restore` reads many of them. */
export type Single = Exclude<Command, { readonly name: 'restore' }>

/** Parses, and looks up host names on demand. */
export async function understand(words: readonly string[], hosts: Map<string, string | undefined>): Promise<Command> {
  for (;;) {
    try {
      return parse(words, hosts)
    } catch (error) {
      if (!(error instanceof UnknownHost)) throw error
      hosts.set(error.host, await lookUpHost(error.host))
    }
  }
}

/** Runs a command; rejects with the kernel's error. Help and version need no handle. */
export async function carryOut(ipvs: Ipvs | undefined, command: Single, streams: Streams): Promise<number> {
  if (command.name === 'help' || command.name === 'version') {
    const { help, version } = await import('./help.ts')
    streams.out(command.name === 'help' ? help() : version())
    return 0
  }
  if (ipvs === undefined) throw new TypeError(`${command.name} needs a handle`)
  switch (command.name) {
    case 'change':
      return change(ipvs, command)
    case 'set':
      await setTimeouts(ipvs, command.seconds)
      return 0
    case 'start-daemon':
      await ipvs.startSyncDaemon(command.daemon)
      return 0
    case 'stop-daemon':
      await ipvs.stopSyncDaemon(command.role)
      return 0
    default:
      await show(ipvs, command, streams)
      return 0
  }
}

async function change(ipvs: Ipvs, { operation }: Extract<Command, { name: 'change' }>): Promise<number> {
  const { failures } = await ipvs.batch([operation])
  const [failure] = failures
  if (failure !== undefined) throw failure.error
  return 0
}

async function setTimeouts(ipvs: Ipvs, [tcp, tcpFin, udp]: TimeoutSeconds): Promise<void> {
  if (tcp + tcpFin + udp === 0) return
  await ipvs.setTimeouts({
    tcpSeconds: tcp || undefined,
    tcpFinSeconds: tcpFin || undefined,
    udpSeconds: udp || undefined,
  })
}

async function show(ipvs: Ipvs, command: Single, streams: Streams): Promise<void> {
  switch (command.name) {
    case 'list':
      return list(ipvs, command, streams)
    case 'save': {
      const services = await ipvs.snapshot()
      const { renderSave, saveProblems } = await import('./render-save.ts')
      for (const problem of saveProblems(services)) streams.error(`${problem}\n`)
      return streams.out(renderSave(services, await namesOf(services, command.numeric)))
    }
    case 'connections':
      return connections(ipvs, command, streams)
    case 'timeouts':
      return streams.out(renderTimeouts(await ipvs.getTimeouts()))
    case 'daemons':
      return streams.out(renderDaemons(await ipvs.listSyncDaemons()))
    default:
  }
}

async function list(
  ipvs: Ipvs,
  { view, service }: Extract<Command, { name: 'list' }>,
  streams: Streams,
): Promise<void> {
  const info = service === undefined ? await ipvs.info() : undefined
  const services =
    service === undefined
      ? await ipvs.snapshot()
      : [{ ...(await ipvs.getService(service)), destinations: await ipvs.listDestinations(service) }]
  const { renderServices } = await import('./render.ts')
  streams.out(renderServices(services, view, await namesOf(services, view.numeric), info))
}

async function namesOf(services: readonly ServiceSnapshot[], numeric: boolean): Promise<Names> {
  if (numeric) return numericNames
  return lookUpNames(
    services.flatMap(({ address, destinations }) => [
      ...(address === undefined ? [] : [address]),
      ...destinations.map((each) => each.address),
    ]),
  )
}

// In blocks of 1000, so that long tables are neither held in memory nor printed line by line.
async function connections(
  ipvs: Ipvs,
  { numeric, engines }: Extract<Command, { name: 'connections' }>,
  streams: Streams,
): Promise<void> {
  streams.out(connectionHeadings(engines))
  let pending: Connection[] = []
  const flush = async (): Promise<void> => {
    const names = numeric ? numericNames : await lookUpNames(pending.flatMap(addressesOf))
    streams.out(pending.map((each) => connectionLine(each, names, engines)).join(''))
    pending = []
  }
  for await (const connection of ipvs.connections()) {
    if (pending.push(connection) >= 1000) await flush()
  }
  await flush()
}
