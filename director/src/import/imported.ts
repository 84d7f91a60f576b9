// What an importer makes of another program's configuration: a site, and what the site does not say.

/** Something that a reader of the site has to know. */
export interface Remark {
  /** `lost`: the site has no word for it. `changed`: it means something else here. `assumed`: the file does not say it. */
  readonly kind: 'lost' | 'changed' | 'assumed'
  /** Line of the file, from 1. `undefined`: the whole file. */
  readonly line: number | undefined
  readonly text: string
}

export interface Imported {
  readonly site: SiteTree
  /** In the order of the file. */
  readonly remarks: readonly Remark[]
}

/** A site file as plain values, in its own spelling. Only the keys that importers use. */
export interface SiteTree {
  readonly version: 1
  readonly defaults?: { readonly forwarding?: string; readonly check?: TimingTree }
  readonly services: Readonly<Record<string, ServiceTree>>
}

export interface TimingTree {
  readonly interval?: string
  readonly timeout?: string
  readonly rise?: number
  readonly fall?: number
  readonly whileFailing?: string
}

export interface VirtualTree {
  readonly address: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port?: number
  readonly ports?: 'all' | readonly (number | string)[]
}

export interface ServerTree {
  readonly name: string
  readonly address: string
  readonly port?: number
  readonly weight?: number
  readonly forwarding?: string
  readonly thresholds?: { readonly upper?: number; readonly lower?: number }
  readonly tunnel?: { readonly type: string; readonly port?: number; readonly checksum?: string }
  readonly checks?: ChecksTree
}

/** A map with one key, the kind of the check. */
export type CheckTree = Readonly<Record<string, TimingTree & Readonly<Record<string, unknown>>>>
export type ChecksTree =
  | readonly CheckTree[]
  | { readonly require?: 'all' | 'any' | { readonly atLeast: number }; readonly of: readonly CheckTree[] }

export interface ServiceTree {
  readonly virtual: VirtualTree | readonly VirtualTree[]
  readonly mark?: number
  readonly scheduler: string | { readonly name: string; readonly fallback?: boolean; readonly port?: boolean }
  readonly persistence?: { readonly timeout: string; readonly netmask?: string | number; readonly engine?: string }
  readonly onePacket?: boolean
  readonly forwarding?: string
  readonly servers: readonly ServerTree[]
  readonly checks?: ChecksTree
  readonly onFailure: 'remove' | 'drain'
  readonly minimumHealthy?: { readonly share: string; readonly below: 'keep' | 'sorry' }
  readonly ftp?: { readonly active: true }
  readonly sorry?: { readonly address: string; readonly port?: number; readonly forwarding?: string }
}

/** What an importer cannot know by itself. */
export interface ImportContext {
  /** The address of a host name; `undefined`: there is none. */
  readonly address: (name: string) => string | undefined
  /** The port of a service name, such as `http`. */
  readonly port: (name: string) => number | undefined
  /** Texts of the files that a pattern names; `undefined`: none is found. */
  readonly include: (pattern: string) => readonly string[] | undefined
  /** The text of a check program, if it is a script that can be read. */
  readonly program: (path: string) => string | undefined
  /** What the host's packet filter marks, by mark. */
  readonly marked: ReadonlyMap<number, readonly VirtualTree[]>
}

export type Importer = (text: string, context: ImportContext) => Imported

/** Remarks in the order of the file, each once. */
export class Remarks {
  readonly #all = new Map<string, Remark>()

  add(kind: Remark['kind'], line: number | undefined, text: string): void {
    this.#all.set(`${line} ${text}`, { kind, line, text })
  }

  sorted(): readonly Remark[] {
    return [...this.#all.values()].toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0))
  }
}
