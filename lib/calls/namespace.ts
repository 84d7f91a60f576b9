// The network namespace of a handle, opened once, so that all calls of the handle use the same namespace.
import { binding, type NativeNamespace, type SessionOptions } from '../binding/addon.ts'
import type { Reply } from '../binding/replies.ts'
import { errnoName, failureError } from './failure.ts'
import type { Explain, FailureContext } from './context.ts'

/**
 * Target of a handle's namespace path: `current`, the handle's namespace; `replaced`, another file, most likely a new namespace
 * with the same name; `missing`, the path does not exist.
 */
export type NamespaceStatus = 'current' | 'replaced' | 'missing'

/** Shared by the sessions of a handle. The first session opens the path. */
export class Namespace {
  readonly path: string
  readonly native: NativeNamespace

  constructor(path: string) {
    this.path = path
    this.native = new binding.Namespace(path)
  }
}

/** `undefined`: the namespace of the process. */
export function namespaceAt(path: string | undefined): Namespace | undefined {
  return path === undefined ? undefined : new Namespace(path)
}

/** Options of a session in a namespace. */
export function sessionIn(netns: Namespace | undefined): SessionOptions {
  return netns === undefined ? {} : { netns: netns.native }
}

const statuses: Readonly<Record<string, NamespaceStatus>> = {
  ESTALE: 'replaced',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
}

/** Converts the reply of `followPath`. `reason`: reason of the signal. */
export function namespaceStatusOf(
  context: FailureContext,
  { failures: [failure] }: Reply,
  explain: Explain,
  reason: unknown,
): NamespaceStatus {
  if (failure === undefined) return 'current'
  const status = failure.kind === 'local' ? statuses[errnoName(failure.errno)] : undefined
  if (status === undefined) throw failureError(context, failure, explain, reason)
  return status
}
