// `ipvs-director drain`, `undrain`, `disable`, `enable`, `force-up`: an operator's word about a server.
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseDuration } from '../site/duration.ts'
import type { OverrideKind } from '../desired/inputs.ts'
import type { OrderAnswer, OverrideRequest, Status } from '../control/status.ts'
import { drainOf } from './drain.ts'
import { clientOf, whoAmI, withFolders, type FolderOptions } from './options.ts'
import { failedLines, printJson, printLines } from './output.ts'

interface OverrideOptions extends FolderOptions {
  readonly reason?: string
  /** Milliseconds. */
  readonly for?: number
  /** Milliseconds. */
  readonly deadline?: number
  readonly then?: 'keep' | 'remove'
  readonly stickiness?: 'keep' | 'move'
  readonly wait?: true
  readonly json?: true
}

const LOOK_MS = 500

/** Prints the answer. False: the order is kept, but the round after it failed. */
function show(answer: OrderAnswer, { json }: OverrideOptions): boolean {
  if (json) printJson(answer)
  else printLines([answer.told, ...failedLines(answer.failures)])
  if (answer.failures.length > 0) process.exitCode = 1
  return answer.failures.length === 0
}

/** Prints what is waited for. Resolves when all servers of the target are drained; throws if the drain has ended otherwise. */
async function waitUntilDrained(target: string, options: OverrideOptions): Promise<void> {
  let told = ''
  for (;;) {
    const { waiting, lines } = drainOf(target, await clientOf(options).get<Status>('/v1/status'))
    if (!waiting) return
    if (lines.join() !== told) printLines(lines)
    told = lines.join()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

async function override(kind: OverrideKind, target: string, options: OverrideOptions): Promise<void> {
  const request: OverrideRequest = {
    kind,
    target,
    who: whoAmI(),
    why: options.reason ?? '',
    ...(options.for === undefined ? {} : { until: Date.now() + options.for }),
    ...(options.deadline === undefined ? {} : { waitMs: options.deadline }),
    ...(options.then === undefined ? {} : { afterwards: options.then }),
    ...(options.stickiness === undefined ? {} : { stickiness: options.stickiness }),
  }
  const answer = await clientOf(options).post<OrderAnswer>('/v1/overrides', request)
  if (!show(answer, options)) return
  if (kind === 'drain' && options.wait) {
    await waitUntilDrained(target, options)
    printLines([`${target}: drained`])
  }
}

async function end(target: string, options: OverrideOptions): Promise<void> {
  const path = `/v1/overrides/${target.split('/').map(encodeURIComponent).join('/')}?who=${encodeURIComponent(whoAmI())}`
  show(await clientOf(options).delete<OrderAnswer>(path), options)
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text)
  if (parsed === undefined) throw new InvalidArgumentError('Not a duration with its unit, such as 30s, 10m or 1h30m.')
  return parsed
}

function withReason(command: Command): Command {
  return command
    .option('--reason <text>', 'kept and shown')
    .option('--for <duration>', 'ends by itself, for example after 30m', milliseconds)
}

export function addOverrides(program: Command): void {
  const verb = (name: string, description: string): Command =>
    withFolders(program.command(`${name} <target>`))
      .description(description)
      .option('--json', 'prints JSON')
  withReason(verb('drain', 'gives a server (web1, or shop/web1) no new connections, and lets its clients finish'))
    .option('--deadline <duration>', 'ends the wait for connections; default: as the site says', milliseconds)
    .addOption(new Option('--then <what>', 'afterwards: weight 0, or out of the table').choices(['keep', 'remove']))
    .addOption(
      new Option('--stickiness <what>', 'persistent clients stay until they go, or go elsewhere').choices([
        'keep',
        'move',
      ]),
    )
    .option('--wait', 'returns when nothing is left, or the deadline has come')
    .action(async (target: string, options: OverrideOptions) => override('drain', target, options))
  withReason(verb('disable', 'removes a server from its services at once')).action(
    async (target: string, options: OverrideOptions) => override('disable', target, options),
  )
  withReason(verb('force-up', 'gives a server traffic whatever its checks say')).action(
    async (target: string, options: OverrideOptions) => override('forceUp', target, options),
  )
  for (const name of ['undrain', 'enable']) {
    verb(name, 'ends drain, disable or force-up of a server; a slow start follows if the service has one').action(
      async (target: string, options: OverrideOptions) => end(target, options),
    )
  }
}
