// kill -9 before and behind each system call with an effect that `ipvs-director apply` makes. Behind each kill: what the file of the
// director says is its own, against what the kernel has. Then another start, with the new site or with the old one, and nothing may
// differ from a start that nobody disturbed.
//   kills.js SHIM RESULT SERVICES POINTS    POINTS: how many kills, evenly spread, or "all"
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FirewallMarks, Ipvs } from 'ipvs'
import { twoSites } from './sites.ts'

const root = join(import.meta.dirname, '../../../..')
const [shim = '', resultFile = '', services = '', points = ''] = process.argv.slice(2)
const { oldSite, newSite } = twoSites(Number(services))

/** Of director/src/cli/start.ts. */
interface Started {
  readonly director: {
    settle(): Promise<boolean>
    round(): Promise<{ error?: Error; result?: { failures: readonly { message: string }[] } }>
    plan(): Promise<readonly string[]>
  }
  readonly end: () => Promise<void>
}
type Prepare = (options: { config: string; runtimeDirectory: string; stateDirectory: string }) => Promise<Started>
const { prepare } = (await import(pathToFileURL(join(root, 'director/dist/cli/start.js')).href)) as { prepare: Prepare }

const folder = mkdtempSync(join(tmpdir(), 'director-kills-'))
const config = join(folder, 'site.yaml')
const stateDirectory = join(folder, 'state')
const options = { config, runtimeDirectory: join(folder, 'run'), stateDirectory }

function output(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Services and rules of all programs, in an order of their own. */
interface World {
  readonly table: readonly string[]
  readonly rules: readonly string[]
  /** state.json. */
  readonly kept: { readonly owned: readonly string[] }
}

function look(): World {
  // Elements of a map are in no order.
  const words = output('nft', 'list', 'ruleset').split(/\n|,/)
  const rules = words.map((word) => word.trim()).filter(Boolean)
  const table = output('ipvsadm', '-Sn').trim().split('\n')
  const kept = JSON.parse(readFileSync(join(stateDirectory, 'state.json'), 'utf8')) as World['kept']
  return { table: table.toSorted(), rules: rules.toSorted(), kept: { ...kept, owned: kept.owned.toSorted() } }
}

const listed = (lines: readonly string[]): string =>
  lines.length > 5 ? `${lines.slice(0, 5).join('; ')}; ...` : lines.join('; ')

function differences(now: World, wished: World): string[] {
  const texts = (['table', 'rules'] as const).flatMap((what) => {
    const [has, wants] = [new Set(now[what]), new Set(wished[what])]
    const more = now[what].filter((line) => !wants.has(line))
    const missing = wished[what].filter((line) => !has.has(line))
    return [...more.map((line) => `too much: ${line}`), ...missing.map((line) => `missing: ${line}`)]
  })
  const [kept, wanted] = [now.kept, wished.kept].map((each) => JSON.stringify(each))
  return kept === wanted ? texts : [...texts, `state.json: ${kept} instead of ${wanted}`]
}

/** A start in this process, which is the same as one in a new process and takes no seconds. Returns what was wrong. */
async function start(site: string): Promise<string[]> {
  writeFileSync(config, site)
  const started = await prepare(options)
  const { director } = started
  try {
    await director.settle()
    const { error, result } = await director.round()
    if (error !== undefined) return [`the round failed: ${error.message}`]
    const plan = await director.plan()
    return [...(result?.failures ?? []).map(({ message }) => message), ...plan.map((line) => `still planned: ${line}`)]
  } finally {
    await started.end()
  }
}

async function apply(environment: NodeJS.ProcessEnv): Promise<string | null> {
  writeFileSync(config, newSite)
  const folders = ['--runtime-directory', options.runtimeDirectory, '--state-directory', stateDirectory]
  const child = spawn(process.execPath, [join(root, 'director/dist/cli/main.js'), 'apply', '-c', config, ...folders], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LD_PRELOAD: shim, ...environment },
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return signal
}

/** What `-A` lines of ipvsadm are called in state.json. */
function keyOf(line: string): string | undefined {
  const [, kind, target] = /^-A -([tuf]) (\S+)/.exec(line) ?? []
  if (kind === undefined || target === undefined) return undefined
  return kind === 'f' ? `mark:${target}` : `${kind === 't' ? 'tcp' : 'udp'}:${target}`
}

const foreignLines = ['-A -u 172.16.0.20:53 -s rr', '-a -u 172.16.0.20:53 -r 10.9.9.9:53 -m -w 1'] as const

/** Right behind a kill: each service is ours and recorded, or somebody else's and not recorded. */
function ownership({ table, rules, kept }: World): string[] {
  const owned = new Set(kept.owned)
  const keys = table.map(keyOf).filter((key) => key !== undefined)
  const foreign = keyOf(foreignLines[0]) as string
  return [
    ...keys.filter((key) => key !== foreign && !owned.has(key)).map((key) => `orphaned: ${key}`),
    ...(owned.has(foreign) ? [`somebody else's service is recorded as ours`] : []),
    ...foreignLines.filter((line) => !table.includes(line)).map((line) => `touched: ${line}`),
    ...(rules.some((rule) => rule.includes('somebody')) ? [] : [`somebody else's rules are gone`]),
  ]
}

async function prepareOthers(): Promise<void> {
  const [ipvs, marks] = [await Ipvs.open(), await FirewallMarks.open({ table: 'somebody' })]
  const service = { address: '172.16.0.20', protocol: 'udp', port: 53 } as const
  await ipvs.addService({ ...service, scheduler: 'rr' })
  await ipvs.addDestination(service, { address: '10.9.9.9', port: 53, forwarding: 'masquerade' })
  await marks.add([{ mark: 10_003, address: '172.17.0.1', protocol: 'tcp', ports: [80] }])
  await Promise.all([ipvs.close(), marks.close()])
}

/** A start that nobody disturbs. */
async function undisturbed(site: string): Promise<World> {
  const wrong = await start(site)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return look()
}

const begun = performance.now()
await prepareOthers()
await undisturbed(oldSite)
const wishedNew = await undisturbed(newSite)
const wishedOld = await undisturbed(oldSite)
writeFileSync(config, newSite)
const planner = await prepare(options)
const changes = (await planner.director.plan()).length
await planner.end()

const log = join(folder, 'effects')
await apply({ EFFECTS_LOG: log })
const calls = readFileSync(log, 'utf8').trim().split('\n')
const findings: { kill: string; text: string }[] = []
const check = (kill: string, texts: readonly string[]): void => {
  if (texts.length > 0) findings.push({ kill, text: listed(texts) })
}
check('none', differences(look(), wishedNew))
check('none', await start(oldSite))

const all = calls.flatMap((call, index) => [
  { at: `before:${index + 1}`, name: `before ${call}`, site: newSite, wished: wishedNew },
  { at: `behind:${index + 1}`, name: `behind ${call}`, site: oldSite, wished: wishedOld },
])
const count = points === 'all' ? all.length : Math.min(Number(points), all.length)
// Every second one before, and every second one behind a call.
const chosen = Array.from({ length: count }, (_, index) => {
  const place = Math.floor(((index + 0.5) * all.length) / count)
  return count === all.length ? place : place - (place % 2) + (index % 2)
})
let killed = 0
for (const place of chosen) {
  const { at, name, site, wished } = all[place] as (typeof all)[number]
  const kill = `${at} ${name.replaceAll(folder, '')}`
  const signal = await apply({ EFFECTS_KILL: at })
  if (signal === 'SIGKILL') killed++
  else check(kill, ['it was not killed'])
  console.log(kill)
  check(kill, ownership(look()))
  check(kill, await start(site))
  check(kill, differences(look(), wished))
  if (site === oldSite) continue
  check(kill, await start(oldSite))
  check(kill, differences(look(), wishedOld))
}
const seconds = Math.round((performance.now() - begun) / 1000)
const names = [...new Set(calls.map((call) => call.split(' ')[0] ?? ''))]
const byName = Object.fromEntries(
  names.map((name) => [name, calls.filter((call) => call.startsWith(`${name} `)).length]),
)
const result = { release: release(), changes, calls: byName, 'kills there are': all.length, killed, seconds, findings }
writeFileSync(resultFile, `${JSON.stringify(result, undefined, 2)}\n`)
console.log(JSON.stringify(result))
process.exit(findings.length > 0 || killed === 0 ? 1 : 0)
