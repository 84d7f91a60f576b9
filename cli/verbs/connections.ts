// `ipvs connections`: the connection table, filtered, counted, watched.
import type {
  Connection,
  ConnectionEndpoint,
  ConnectionFilter,
  ConnectionGroup,
  ConnectionGroupField,
  ConnectionProtocol,
  ConnectionState,
  EndpointFilter,
  Ipvs,
} from 'ipvs'
import { Option, type Command } from 'commander'
import type { Streams } from '../shared/streams.ts'
import { printing, type Context, type Watch } from '../shared/context.ts'
import { json } from '../shared/format.ts'
import { tableText, type Column } from '../shared/table.ts'
import { endpointText } from '../../state/key-text.ts'
import { interval, whole } from '../shared/keys.ts'

interface Options {
  readonly protocol?: string
  readonly state?: string
  readonly client?: string
  readonly virtual?: string
  readonly destination?: string
  readonly fwmark?: string
  readonly templates?: 'yes' | 'no' | 'only'
  readonly limit?: number
  readonly countBy?: string
  readonly top?: number
  readonly json?: true
  readonly watch?: Watch
}

const list = (text: string | undefined): string[] | undefined => text?.split(',').filter((each) => each !== '')

/** Parses `10.0.0.7:80`, `[2001:db8::7]:80`, `:80`, or an address, block or range. */
export function endFilter(text: string | undefined): EndpointFilter | string | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text ?? '') ?? []
  if (port === undefined) return text
  return { address: bracketed ?? (plain || undefined), port: Number(port) }
}

/** The filter from the options. */
export function filterOf(options: Options): ConnectionFilter {
  const { templates, fwmark, limit } = options
  return {
    protocol: list(options.protocol) as ConnectionProtocol[] | undefined,
    state: list(options.state) as ConnectionState[] | undefined,
    client: endFilter(options.client),
    virtual: endFilter(options.virtual),
    destination: endFilter(options.destination),
    fwmark,
    templates: templates === undefined ? undefined : templates === 'only' ? 'only' : templates === 'yes',
    limit,
  }
}

const endText = (end: ConnectionEndpoint | undefined): string =>
  end === undefined ? '' : endpointText(end.address, end.port)

const columns: readonly Column[] = [
  { title: 'PROTOCOL' },
  { title: 'STATE' },
  { title: 'EXPIRES', right: true },
  { title: 'CLIENT' },
  { title: 'VIRTUAL' },
  { title: 'DESTINATION' },
]

function cells({ protocol, state, expiresSeconds, client, virtual, fwmark, destination, template }: Connection) {
  return [
    template ? `${protocol} template` : protocol,
    state,
    String(expiresSeconds),
    endText(client),
    fwmark === undefined ? endText(virtual) : `mark:${fwmark}`,
    endText(destination),
  ]
}

function groupCell(group: ConnectionGroup, field: ConnectionGroupField): string {
  const value = group[field]
  return typeof value === 'object' ? endText(value) : String(value ?? '')
}

/** Groups, the largest first. */
export function renderGroups(
  groups: readonly ConnectionGroup[],
  fields: readonly ConnectionGroupField[],
  streams: Streams,
): string {
  const headings = [{ title: 'COUNT', right: true }, ...fields.map((field) => ({ title: field.toUpperCase() }))]
  const rows = groups.map((group) => [String(group.count), ...fields.map((field) => groupCell(group, field))])
  return tableText(headings, rows, streams)
}

async function counted(ipvs: Ipvs, options: Options, streams: Streams): Promise<string> {
  const fields = (list(options.countBy) ?? ['client']) as ConnectionGroupField[]
  const all = await (await ipvs.connectionTable(filterOf(options))).countBy(...fields)
  const groups = options.top === undefined ? all : all.slice(0, options.top)
  if (options.json) return groups.map((group) => `${json(group)}\n`).join('')
  return renderGroups(groups, fields, streams)
}

async function listed(ipvs: Ipvs, options: Options, streams: Streams): Promise<string> {
  const found = await ipvs.connectionTable(filterOf(options))
  return tableText(columns, Array.from(found, cells), streams)
}

async function streamed(ipvs: Ipvs, options: Options, streams: Streams): Promise<void> {
  for await (const connection of ipvs.connections(filterOf(options))) streams.out(`${json(connection)}\n`)
}

const examples = `
Examples:
  ipvs connections --destination 10.0.0.7 --state ESTABLISHED
  ipvs connections --count-by destination,state
  ipvs connections --count-by client --top 10 --watch
  ipvs connections --json | jq -r .client.address`

export function registerConnections(program: Command, context: Context): void {
  program
    .command('connections')
    .description('list, count or watch connections')
    .option('--protocol <list>', 'tcp, udp, sctp, ip (templates of marks)')
    .option('--state <list>', 'ESTABLISHED, FIN_WAIT …')
    .option('--client <end>', 'ADDRESS, BLOCK, ADDRESS:PORT or :PORT')
    .option('--virtual <end>', 'virtual address and port, as --client')
    .option('--destination <end>', 'real server, as --client')
    .option('--fwmark <mark>', 'templates of a mark')
    .addOption(new Option('--templates <which>', 'persistence templates').choices(['yes', 'no', 'only']))
    .option('--limit <number>', 'maximum number of connections', whole)
    .option('--count-by <fields>', 'client, clientSubnet, virtual, fwmark, destination, state, protocol')
    .option('--top <number>', 'only the largest groups', whole)
    .option('--json', 'one line of JSON per connection or group')
    .option('--watch [seconds]', 'repeat, default every 2 seconds', interval)
    .addHelpText('after', examples)
    .action(async (options: Options, command: Command) =>
      context.withIpvs(command, async (ipvs) => {
        const counts = options.countBy !== undefined || options.top !== undefined
        if (options.json && !counts && options.watch === undefined) return streamed(ipvs, options, context.streams)
        return printing(context.streams, options.watch, ipvs, () =>
          counts ? counted(ipvs, options, context.streams) : listed(ipvs, options, context.streams),
        )
      }),
    )
}
