// lvs.cf, the file of Piranha: pulse, lvsd and nanny read it.
import type { CheckTree, ImportContext, Imported, Importer, ServerTree, ServiceTree, TimingTree } from './imported.ts'
import { Remarks } from './imported.ts'
import { lvsCfCheck, lvsCfTiming } from './lvs-cf-checks.ts'
import { lvsCfBlocks, lvsCfNumber, type Block, type Setting } from './lvs-cf-lines.ts'
import { remarkGlobals, remarkVirtual } from './lvs-cf-remarks.ts'
import { freeName, ServerNames } from './names.ts'
import { joinPorts, oneOrList, portsOf, schedulerTree } from './virtuals.ts'
import { durationText } from '../site/duration.ts'

const forwardings: Readonly<Record<string, string>> = { nat: 'masquerade', direct: 'direct', tunnel: 'tunnel' }

class LvsCfImport {
  readonly #remarks = new Remarks()
  readonly #names = new ServerNames()
  readonly #context: ImportContext
  readonly #file: Block

  constructor(text: string, context: ImportContext) {
    this.#context = context
    this.#file = lvsCfBlocks(text, this.#remarks)
  }

  import(): Imported {
    remarkGlobals(this.#file, this.#remarks)
    const virtuals = this.#file.blocks.filter(({ kind }) => kind === 'virtual')
    const active = virtuals.filter((block) => this.#isOn(block))
    const check = this.#commonTiming(active)
    const services: Record<string, ServiceTree> = {}
    for (const blocks of this.#together(active)) {
      const name = freeName(blocks[0]?.name ?? '', new Set(Object.keys(services)))
      services[name] = this.#service(blocks, check)
    }
    const defaults = { forwarding: this.#forwarding(), ...(check === undefined ? {} : { check }) }
    return { site: { version: 1, defaults, services }, remarks: this.#remarks.sorted() }
  }

  #forwarding(): string {
    const setting = this.#file.settings.get('network')
    const found = forwardings[setting?.words[0] ?? 'nat']
    if (found !== undefined) return found
    this.#remarks.add('changed', setting?.line, `network ${setting?.words[0]} is not known; the site has masquerade`)
    return 'masquerade'
  }

  /** Without the setting a block is not active. */
  #isOn({ settings, kind, name, line }: Block): boolean {
    const setting = settings.get('active')
    if (setting?.words[0] === '1') return true
    const why = setting === undefined ? 'has no active = 1' : 'is not active'
    this.#remarks.add('lost', setting?.line ?? line, `${kind} ${name} ${why}: left out`)
    return false
  }

  /** Blocks with one mark are one service of the kernel. */
  #together(blocks: readonly Block[]): readonly (readonly Block[])[] {
    const groups = new Map<string, Block[]>()
    for (const [index, block] of blocks.entries()) {
      const mark = this.#mark(block)
      const key = mark === undefined ? `block ${index}` : `mark ${mark}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [block])
      else {
        group.push(block)
        const text = `virtual ${block.name} has mark ${mark} of virtual ${group[0]?.name}: one service with the checks of both`
        this.#remarks.add('changed', block.line, `${text} (lvsd never started the checks of the second)`)
      }
    }
    return [...groups.values()]
  }

  #number(setting: Setting | undefined): number | undefined {
    if (setting === undefined) return undefined
    const number = lvsCfNumber(setting.words[0] ?? '')
    if (number === undefined)
      this.#remarks.add('lost', setting.line, `${setting.key} = ${setting.words[0]} is no number`)
    return number
  }

  #mark({ settings }: Block): number | undefined {
    const mark = this.#number(settings.get('fwmark'))
    return mark === 0 ? undefined : mark
  }

  #port(setting: Setting | undefined): number | undefined {
    const word = setting?.words[0]
    if (setting === undefined || word === undefined) return undefined
    const port = lvsCfNumber(word) ?? this.#context.port(word)
    if (port === undefined) this.#remarks.add('lost', setting.line, `${word} is no port and no known service`)
    return port
  }

  #address(setting: Setting | undefined, block: Block): string {
    const word = setting?.words[0] ?? ''
    if (setting === undefined) this.#remarks.add('lost', block.line, `${block.kind} ${block.name} has no address`)
    if (setting === undefined || /^[\d.]+$/.test(word)) return word
    const address = this.#context.address(word)
    if (address === undefined) this.#remarks.add('lost', setting.line, `the name ${word} has no address; write it`)
    else this.#remarks.add('changed', setting.line, `${word} is ${address} today; a site has addresses`)
    return address ?? word
  }

  /** What all blocks have is written once. */
  #commonTiming(blocks: readonly Block[]): TimingTree | undefined {
    const [first, ...others] = blocks.map((block) => JSON.stringify(lvsCfTiming(block)))
    if (first === undefined || others.some((other) => other !== first)) return undefined
    return JSON.parse(first) as TimingTree
  }

  #virtual(blocks: readonly Block[], mark: number | undefined): ServiceTree['virtual'] {
    const marked = mark === undefined ? undefined : this.#context.marked.get(mark)
    if (marked !== undefined) return oneOrList(marked)
    if (mark !== undefined) {
      const text = `which packets get mark ${mark} is said by the packet filter: the site has the ports of the file`
      this.#remarks.add('assumed', blocks[0]?.line, `${text}; give its rules with --rules`)
    }
    const all = blocks.map((block) => {
      const protocol = block.settings.get('protocol')?.words[0] === 'udp' ? ('udp' as const) : ('tcp' as const)
      const address = this.#address(block.settings.get('address'), block)
      return { address, protocol, port: this.#port(block.settings.get('port')) ?? 80 }
    })
    return joinPorts(all)
  }

  #checks(blocks: readonly Block[], several: boolean, common: TimingTree | undefined): readonly CheckTree[] {
    return blocks.map((block) => {
      const protocol = block.settings.get('protocol')?.words[0] === 'udp' ? 'udp' : 'tcp'
      const port = this.#port(block.settings.get('port')) ?? 80
      const check = lvsCfCheck({ block, port, several, protocol, context: this.#context, remarks: this.#remarks })
      if (common !== undefined) return check
      const [[kind, fields]] = Object.entries(check) as [[string, CheckTree[string]]]
      return { [kind]: { ...fields, ...lvsCfTiming(block) } }
    })
  }

  #servers(block: Block): readonly ServerTree[] {
    const inService = new Set<string>()
    const port = this.#port(block.settings.get('port')) ?? 80
    const servers = block.blocks.filter(({ kind }) => kind === 'server')
    return servers
      .filter((server) => this.#isOn(server))
      .map((server): ServerTree => {
        const address = this.#address(server.settings.get('address'), server)
        const weight = this.#number(server.settings.get('weight')) ?? 1
        const own = this.#number(server.settings.get('port'))
        return {
          name: this.#names.name(address, server.name, inService),
          address,
          ...(own === undefined || own === port ? {} : { port: own }),
          ...(weight === 1 ? {} : { weight }),
        }
      })
  }

  #persistence({ settings }: Block): ServiceTree['persistence'] {
    const seconds = this.#number(settings.get('persistent')) ?? 0
    const mask = settings.get('pmask')
    if (seconds === 0) {
      if (mask !== undefined) this.#remarks.add('lost', mask.line, 'pmask without persistent means nothing')
      return undefined
    }
    const netmask = mask?.words[0]
    const isHost = netmask === undefined || netmask === '255.255.255.255'
    return { timeout: durationText(seconds * 1000), ...(isHost ? {} : { netmask }) }
  }

  #service(blocks: readonly Block[], common: TimingTree | undefined): ServiceTree {
    const [block, ...others] = blocks as [Block, ...Block[]]
    for (const each of blocks) remarkVirtual(each, this.#remarks)
    const { settings } = block
    const mark = this.#mark(block)
    const scheduler = settings.get('scheduler')?.words[0] ?? 'wlc'
    const persistence = this.#persistence(block)
    const servers = this.#servers(block)
    for (const other of others) this.#compareServers(servers, other)
    const sorry = settings.get('sorry_server')
    const virtual = this.#virtual(blocks, mark)
    const ports = portsOf(virtual)
    return {
      virtual,
      ...(mark === undefined ? {} : { mark }),
      scheduler: schedulerTree(scheduler, false, false),
      ...(persistence === undefined ? {} : { persistence }),
      servers,
      checks: this.#checks(blocks, ports.length > 1, common),
      onFailure: settings.get('quiesce_server')?.words[0] === '1' ? 'drain' : 'remove',
      ...(sorry === undefined ? {} : { sorry: { address: this.#address(sorry, block) } }),
    }
  }

  #compareServers(servers: readonly ServerTree[], other: Block): void {
    const known = servers.map(({ address }) => address).toSorted()
    const found = other.blocks.map(({ settings }) => settings.get('address')?.words[0] ?? '').toSorted()
    if (known.join() === found.join()) return
    this.#remarks.add(
      'lost',
      other.line,
      `virtual ${other.name} has other servers than the block with its mark before it`,
    )
  }
}

/** Reads an lvs.cf file. */
export const importLvsCf: Importer = (text, context) => new LvsCfImport(text, context).import()
