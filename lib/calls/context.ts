// Context of a call, for its errors.
import type { Failure } from '../binding/replies.ts'
import { invalidArgument, type IpvsErrorCode, type OperationContext } from '../values/errors.ts'

/** Parameters of a call that its errors mention or depend on. */
export interface FailureContext extends OperationContext {
  /** The scheduler in the request. */
  readonly scheduler?: string | undefined
  /** The persistence engine in the request. */
  readonly persistenceEngine?: string | undefined
  readonly netns?: string | undefined
  /** True for operations that only read: their outcome is always `not-applied`. */
  readonly reads?: boolean | undefined
  /** True if temporary rules of a change of marks may remain. */
  readonly leftovers?: true | undefined
}

/** Completed while arguments are validated, so that each error has the details that are known so far. */
export interface RequestContext extends FailureContext {
  target: string | { readonly text: string }
  scheduler?: string | undefined
  persistenceEngine?: string | undefined
}

/** Runs the validation of arguments and converts `InvalidInput` to an `IpvsError`. */
export function checked<Result>(context: RequestContext, prepare: () => Result): Result {
  try {
    return prepare()
  } catch (error) {
    throw invalidArgument(context, error)
  }
}

export interface Explanation {
  readonly code: IpvsErrorCode
  readonly problem: string
  readonly attribute?: string
}

/** Explains an errno that the kernel returned for an operation. */
export type Explain = (context: FailureContext, errno: string, failure: Failure) => Explanation
