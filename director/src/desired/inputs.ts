// What decides about weights besides the site: health, the operator's overrides, time. Times are milliseconds since 1970.

/** A server of a service: `shop/web1`. Names have no slash. */
export type ServerId = `${string}/${string}`

export type HealthState = 'unknown' | 'up' | 'down'

/** What the checks say of one server of one service. */
export interface ServerHealth {
  readonly state: HealthState
  /** When the state began. */
  readonly since: number
  /**
   * Why: the first failing check and its words. Empty while the checks succeed. A server that is up for another reason,
   * adopted or held by the brake, says so here.
   */
  readonly reason: string
  /** When a slow start began: after down, or after an override ended. `undefined`: none. */
  readonly slowStartSince: number | undefined
  /** From an agent check. */
  readonly agent: AgentReport | undefined
}

/** What a server's agent says of itself. */
export interface AgentReport {
  /** Factor of the weight, 0 to 1 and above: 75% is 0.75. */
  readonly weight: number | undefined
  readonly state: 'ready' | 'drain' | 'maintenance' | 'down' | undefined
  readonly reason: string
}

export type Health = ReadonlyMap<ServerId, ServerHealth>

export type OverrideKind = 'drain' | 'disable' | 'forceUp'

/** An operator's word about a server, in one service or in all. It wins over health. */
export interface Override {
  readonly kind: OverrideKind
  /** `web1`, or `shop/web1`. */
  readonly target: string
  readonly who: string
  readonly why: string
  readonly since: number
  /** The override ends by itself. */
  readonly until: number | undefined
  /** Of a drain; absent fields: those of the service. */
  readonly drain?: {
    readonly stickiness?: 'keep' | 'move'
    readonly waitMs?: number
    readonly then?: 'keep' | 'remove'
  }
}

/** What is left on a draining server. */
export interface Remaining {
  /** It is not in the table: what it has left cannot be seen. Default false. */
  readonly absent?: boolean
  readonly connections: number
  /** Templates of persistent clients. */
  readonly templates: number
}

/** What was decided before and cannot be seen in the kernel. It is kept in state.json. */
export interface Memory {
  /** Marks of services that name none: service name to mark. */
  readonly marks: Readonly<Record<string, number>>
  /** Names of services with fewer healthy servers than `minimumHealthy`. Absent: none. */
  readonly low?: readonly string[]
  /** By server. Absent: none. */
  readonly notes?: Readonly<Record<ServerId, ServerNote>>
}

/** What a restart must not forget about a server. Absent fields: nothing to remember. */
export interface ServerNote {
  /** It is in the table with weight 0, for this reason. While its health is unknown it stays there. */
  readonly zero?: string
  /** Start of a slow start that is not over. */
  readonly slowStartSince?: number
  /** The factor of the weight that its agent last gave. */
  readonly agentWeight?: number
  /** `since` of the drain that is over: what comes later, such as a count of connections, does not reopen it. */
  readonly drained?: number
  /** A drain with `stickiness: 'move'`: its `since`, and when the destination was taken out for the first time. */
  readonly moved?: { readonly drain: number; readonly at: number }
}
