// AbortSignals: one event listener per signal for any number of calls. Node.js warns of a leak from eleven listeners on.
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

/** Calls `listener` when the signal fires. Returns a function that removes the listener. */
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

// Tries the methods of a foreign signal now: an error that it throws later would look like an error of the call.
function works(signal: AbortSignal): boolean {
  if (typeof signal.aborted !== 'boolean') return false
  if (signal instanceof AbortSignal) return true
  const foreign: AbortSignal = signal
  foreign.addEventListener('abort', ignore)
  foreign.removeEventListener('abort', ignore)
  return true
}

/** Accepts anything that works as an AbortSignal, including signals of other realms and polyfills. */
export function parseSignal(value: unknown, path: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  try {
    if (works(value as AbortSignal)) return value as AbortSignal
  } catch {
    // null, or an object whose properties throw
  }
  throw new InvalidInput(path, `${show(value)} is not an AbortSignal`)
}
