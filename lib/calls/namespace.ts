// The network namespace of a handle: opened once, so that everything the handle does is done in the same one.
import { binding, type NativeNamespace, type SessionOptions } from '../binding/addon.ts'
import type { Reply } from '../binding/replies.ts'
import { errnoName, failureError } from './failure.ts'
import type { Explain, FailureContext } from './context.ts'

/**
 * Where the path of a handle's network namespace leads now: `current`, to the handle's namespace; `replaced`, to something else,
 * most likely a new namespace of that name; `missing`, nowhere.
 */
export type NamespaceStatus = 'current' | 'replaced' | 'missing'

/** For the sessions of one handle. The first of them opens the path. */
export class Namespace {
  readonly path: string
  readonly native: NativeNamespace

  constructor(path: string) {
    this.path = path
    this.native = new binding.Namespace(path)
  }
}

/** `undefined`: the process's own. */
export function namespaceAt(path: string | undefined): Namespace | undefined {
  return path === undefined ? undefined : new Namespace(path)
}

/** What sessions are made with. */
export function sessionIn(netns: Namespace | undefined): SessionOptions {
  return netns === undefined ? {} : { netns: netns.native }
}

const statuses: Readonly<Record<string, NamespaceStatus>> = {
  ESTALE: 'replaced',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
}

/** What the reply of `followPath` says. `reason`: the signal's. */
export function namespaceStatusOf(
  context: FailureContext,
  { failures: [failure] }: Reply,
  explain: Explain,
  reason: unknown,
): NamespaceStatus {
  if (failure === undefined) return 'current'
  const status = failure.cause === 'local' ? statuses[errnoName(failure.errno)] : undefined
  if (status === undefined) throw failureError(context, failure, explain, reason)
  return status
}
