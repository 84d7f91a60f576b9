// `ipvs marks nat`: the rules that translate addresses.
import type { FirewallMarks, MasqueradeRule, NatRule, RedirectRule } from 'ipvs'
import type { Command } from 'commander'
import type { Context } from '../shared/context.ts'
import { json } from '../shared/format.ts'
import { whole } from '../shared/keys.ts'
import { renderNat } from './rule-tables.ts'
import { portsOf } from '../../state/rule-text.ts'

type Protocol = NatRule['protocol']

/** Options of `masquerade`, from commander. */
export interface MasqueradeOptions extends Pick<MasqueradeRule, 'counter' | 'comment'> {
  readonly to?: string
}

/** Options of `redirect`. */
export type RedirectOptions = Pick<RedirectRule, 'toPort' | 'source' | 'interface' | 'counter' | 'comment'>

/** A rule from the arguments of `masquerade`. */
export function masqueradeOf(words: readonly string[], { to, ...options }: MasqueradeOptions): MasqueradeRule {
  const [source = '', protocol, ports] = words
  const sourcePorts = portsOf(ports)
  return { ...options, action: 'masquerade', source, protocol: protocol as Protocol, sourcePorts, address: to }
}

/** A rule from the arguments of `redirect`. */
export function redirectOf(words: readonly string[], options: RedirectOptions): RedirectRule {
  const [address = '', protocol, ports] = words
  return { ...options, action: 'redirect', address, protocol: protocol as Protocol, ports: portsOf(ports) }
}

type Change = (handle: FirewallMarks, rule: NatRule) => Promise<void>

const PROTOCOL = 'tcp, udp, sctp, a number, or all'

// `add` and `remove` have the same arguments: a rule.
function registerActions(parent: Command, verb: string, context: Context, change: Change): void {
  parent
    .command('masquerade')
    .argument('<source>', 'real servers: an address, a block or a range')
    .argument('<protocol>', PROTOCOL)
    .argument('[ports]', 'source ports: 20, or all; optional for the protocol all')
    .option('--to <address>', 'only packets to this address, block or range')
    .option('--counter', 'count connections')
    .option('--comment <text>', 'a comment')
    .description('on the director: give its address to connections that real servers open, as for active FTP')
    .addHelpText('after', `\nExample:\n  ipvs marks nat ${verb} masquerade 10.0.0.0/24 tcp 20`)
    .action(async (...given: unknown[]) => {
      const [options, command] = given.slice(-2) as [MasqueradeOptions, Command]
      await context.withMarks(command, (handle) => change(handle, masqueradeOf(command.args, options)))
    })
  parent
    .command('redirect')
    .argument('<address>', 'virtual address: an address, a block or a range')
    .argument('<protocol>', PROTOCOL)
    .argument('[ports]', '80,443,10000-20000, or all; optional for the protocol all')
    .option('--to-port <port>', "the server's port; default: the packet's own", whole)
    .option('--source <address>', 'only packets from this address, block or range')
    .option('--interface <name>', 'only packets received on this interface; eth* matches a prefix')
    .option('--counter', 'count connections')
    .option('--comment <text>', 'a comment')
    .description('on a real server with direct routing: accept packets to the virtual address')
    .addHelpText('after', `\nExample:\n  ipvs marks nat ${verb} redirect 172.16.0.100 tcp 80,443`)
    .action(async (...given: unknown[]) => {
      const [options, command] = given.slice(-2) as [RedirectOptions, Command]
      await context.withMarks(command, (handle) => change(handle, redirectOf(command.args, options)))
    })
}

export function registerNat(marks: Command, context: Context): void {
  const nat = marks.command('nat').description('rules that translate addresses: masquerade and redirect')
  nat
    .command('list')
    .description('list all rules that translate addresses')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  ipvs marks nat list')
    .action(async (options: { json?: true }, command: Command) =>
      context.withMarks(command, async (handle) => {
        const rules = await handle.listNat()
        context.streams.out(options.json ? `${json(rules, 2)}\n` : renderNat(rules, context.streams))
      }),
    )
  const adding = nat.command('add').description('add a rule that translates addresses')
  registerActions(adding, 'add', context, (handle, rule) => handle.addNat(rule))
  const removing = nat.command('remove').description('remove a rule, by the arguments that added it')
  registerActions(removing, 'remove', context, (handle, rule) => handle.removeNat(rule))
}
