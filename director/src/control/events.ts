// What happened, for people and programs: numbered, the last ones kept in memory.

/** One event. `kind` is for programs, `text` for people. */
export interface DirectorEvent {
  /** From 1; a restart of the daemon starts again. */
  readonly id: number
  /** Milliseconds since 1970. */
  readonly time: number
  readonly level: 'info' | 'warning' | 'error'
  readonly kind: EventKind
  readonly text: string
  /** `shop` or `shop/web1`, if it is about one of them. */
  readonly subject?: string | undefined
}

export type EventKind =
  | 'started'
  | 'stopped'
  | 'site-loaded'
  | 'site-refused'
  | 'applied'
  | 'apply-failed'
  | 'drift'
  | 'health'
  | 'override'
  | 'alarm'
  | 'alarm-over'
  | 'kernel-error'
  | 'kernel-recovered'
  | 'file-error'
  | 'notify'
  | 'prober'

const MOST_KEPT = 1000

export class Events {
  readonly #kept: DirectorEvent[] = []
  readonly #listeners = new Set<(event: DirectorEvent) => void>()
  #next = 1

  add(time: number, level: DirectorEvent['level'], kind: EventKind, text: string, subject?: string): DirectorEvent {
    const event = { id: this.#next++, time, level, kind, text, ...(subject === undefined ? {} : { subject }) }
    this.#kept.push(event)
    if (this.#kept.length > MOST_KEPT) this.#kept.shift()
    for (const listener of this.#listeners) listener(event)
    return event
  }

  /** Kept events after an id, the oldest first. */
  since(id: number): readonly DirectorEvent[] {
    return this.#kept.filter((event) => event.id > id)
  }

  /** The id of the newest event; 0: none. */
  get last(): number {
    return this.#next - 1
  }

  /** Calls `listener` with each new event. Returns a function that ends this. */
  listen(listener: (event: DirectorEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
