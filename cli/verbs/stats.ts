// `ipvs stats`: traffic of all services together.
import type { TotalStatistics } from 'ipvs'
import type { Command } from 'commander'
import type { Streams } from '../shared/streams.ts'
import { printing, type Context, type Watch } from '../shared/context.ts'
import { json, short } from '../shared/format.ts'
import { tableText } from '../shared/table.ts'
import { interval } from '../shared/keys.ts'

const columns = ['', 'CONNS', 'PACKETS IN', 'PACKETS OUT', 'BYTES IN', 'BYTES OUT'].map((title, at) => ({
  title,
  right: at > 0,
}))
type Counters = Pick<TotalStatistics['rates'] | TotalStatistics, keyof TotalStatistics['rates']>

const row = (name: string, { connections, inPackets, outPackets, inBytes, outBytes }: Counters): string[] => [
  name,
  ...[connections, inPackets, outPackets, inBytes, outBytes].map(short),
]

/** Renders totals, rates, and the CPUs with traffic. */
export function renderStats({ cpus, rates, ...totals }: TotalStatistics, streams: Streams): string {
  const busy = cpus.filter(({ inPackets, outPackets }) => inPackets + outPackets > 0n)
  const rows = [row('total', totals), row('per second', rates), ...busy.map((each) => row(`cpu ${each.cpu}`, each))]
  return tableText(columns, rows, streams)
}

export function registerStats(program: Command, context: Context): void {
  program
    .command('stats')
    .description('traffic of all services together, and per CPU')
    .option('--json', 'as JSON')
    .option('--watch [seconds]', 'repeat, default every 2 seconds', interval)
    .addHelpText('after', '\nExamples:\n  ipvs stats\n  ipvs stats --json')
    .action(async (options: { json?: true; watch?: Watch }, command: Command) =>
      context.withIpvs(command, async (ipvs) =>
        printing(context.streams, options.watch, ipvs, async () => {
          const statistics = await ipvs.statistics()
          return options.json ? `${json(statistics)}\n` : renderStats(statistics, context.streams)
        }),
      ),
    )
}
