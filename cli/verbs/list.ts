// `ipvs list`: services and destinations.
import type { ListedDestination, ListedService, ServiceSnapshot, Statistics } from 'ipvs'
import type { Command } from 'commander'
import type { Streams } from '../shared/streams.ts'
import { printing, type Context, type Watch } from '../shared/context.ts'
import { json, short } from '../shared/format.ts'
import { tableText, type Column } from '../shared/table.ts'
import { endpointText, serviceText } from '../../state/key-text.ts'
import { interval } from '../shared/keys.ts'

const columns: readonly Column[] = [
  { title: 'SERVICE' },
  { title: 'HOW' },
  { title: 'WEIGHT', right: true },
  { title: 'ACTIVE', right: true },
  { title: 'INACTIVE', right: true },
]
const counterColumns: readonly Column[] = ['CONNS', 'IN', 'OUT'].map((title) => ({ title, right: true }))
const rateColumns: readonly Column[] = ['CONNS/S', 'IN/S', 'OUT/S'].map((title) => ({ title, right: true }))

function settings({ scheduler, schedulerFlags, persistence, persistenceEngine, onePacket }: ListedService): string {
  return [
    scheduler,
    ...schedulerFlags,
    ...(persistence === undefined ? [] : [`persistent ${persistence.timeoutSeconds}s`]),
    ...(persistence === undefined || isWhole(persistence.netmask) ? [] : [`per ${persistence.netmask}`]),
    ...(persistenceEngine === undefined ? [] : [`by ${persistenceEngine}`]),
    ...(onePacket ? ['one-packet'] : []),
  ].join(' ')
}

const isWhole = (netmask: string | number): boolean => netmask === '255.255.255.255' || netmask === 128

function how({ forwarding, tunnel, upperThreshold, lowerThreshold }: ListedDestination): string {
  const wrapped = tunnel?.type === undefined || tunnel.type === 'ipip' ? '' : ` ${tunnel.type}`
  const limit = upperThreshold === 0 ? '' : ` limit ${upperThreshold}${lowerThreshold ? `/${lowerThreshold}` : ''}`
  return `${forwarding}${wrapped}${limit}`
}

function counts({ rates, ...totals }: Statistics, perSecond: boolean): string[] {
  const { connections, inBytes, outBytes } = perSecond ? rates : totals
  return [connections, inBytes, outBytes].map(short)
}

/** Renders services with their destinations as a table. IN and OUT are bytes. */
export function renderList(services: readonly ServiceSnapshot[], perSecond: boolean, streams: Streams): string {
  const rows = services.flatMap((service) => [
    [serviceText(service), settings(service), '', '', '', ...counts(service.statistics, perSecond)],
    ...service.destinations.map((each) => [
      `  ${endpointText(each.address, each.port)}`,
      how(each),
      ...[each.weight, each.activeConnections, each.inactiveConnections].map(String),
      ...counts(each.statistics, perSecond),
    ]),
  ])
  return tableText([...columns, ...(perSecond ? rateColumns : counterColumns)], rows, streams)
}

export function registerList(program: Command, context: Context): void {
  program
    .command('list')
    .description('list services with their destinations')
    .option('--json', 'as JSON')
    .option('--watch [seconds]', 'repeat, default every 2 seconds, with rates per second', interval)
    .addHelpText('after', '\nExamples:\n  ipvs list\n  ipvs list --json | jq .\n  ipvs list --watch 1 --netns blue')
    .action(async (options: { json?: true; watch?: Watch }, command: Command) => {
      await context.withIpvs(command, async (ipvs) =>
        printing(context.streams, options.watch, ipvs, async () => {
          const services = await ipvs.snapshot()
          if (options.json) return `${json(services, options.watch === undefined ? 2 : undefined)}\n`
          return renderList(services, options.watch !== undefined, context.streams)
        }),
      )
    })
}
