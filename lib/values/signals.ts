// AbortSignals: one listener per signal, however many operations share it. Node warns of a leak at eleven.
import { InvalidInput, show } from './validate.ts'

interface Shared {
  readonly listeners: Set<() => void>
  readonly fire: () => void
}

const shared = new WeakMap<AbortSignal, Shared>()

function listenTo(signal: AbortSignal): Shared {
  const listeners = new Set<() => void>()
  const fire = () => {
    for (const listener of listeners) listener()
  }
  const entry = { listeners, fire }
  shared.set(signal, entry)
  signal.addEventListener('abort', fire, { once: true })
  return entry
}

/** Calls `listener` when the signal fires; until the function that it answers is called. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const { listeners, fire } = shared.get(signal) ?? listenTo(signal)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || shared.get(signal)?.listeners !== listeners) return
    shared.delete(signal)
    signal.removeEventListener('abort', fire)
  }
}

const ignore = () => {}

// Foreign ones are tried: what they throw later could not be told from errors of the call.
function works(signal: AbortSignal): boolean {
  if (typeof signal.aborted !== 'boolean') return false
  if (signal instanceof AbortSignal) return true
  const foreign: AbortSignal = signal
  foreign.addEventListener('abort', ignore)
  foreign.removeEventListener('abort', ignore)
  return true
}

/** Checks a signal by what it can do: signals of other realms, and polyfills, are signals as well. */
export function parseSignal(value: unknown, path: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  try {
    if (works(value as AbortSignal)) return value as AbortSignal
  } catch {
    // null, or an object that does not like to be looked at
  }
  throw new InvalidInput(path, `${show(value)} is not an AbortSignal`)
}
