// What a call is about: what its errors name, and how its refusals are explained.
import type { Failure } from '../binding/replies.ts'
import { invalidArgument, type IpvsErrorCode, type OperationContext } from '../values/errors.ts'

/** What was asked for, as far as a failure can be about it. */
export interface FailureContext extends OperationContext {
  /** The scheduler that the request named. */
  readonly scheduler?: string | undefined
  /** The persistence engine that the request named. */
  readonly persistenceEngine?: string | undefined
  readonly netns?: string | undefined
  /** True for operations that change nothing: their outcome is never unknown. */
  readonly reads?: boolean | undefined
  /** Of a change of marks: temporary rules may have stayed. */
  readonly leftovers?: true | undefined
}

/** Filled in while arguments are checked, so that errors know as much as possible. */
export interface RequestContext extends FailureContext {
  target: string | { readonly text: string }
  scheduler?: string | undefined
  persistenceEngine?: string | undefined
}

/** Runs checks of arguments: what they refuse becomes an `IpvsError`. */
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

/** Explains the errno with which the kernel refused an operation. */
export type Explain = (context: FailureContext, errno: string, failure: Failure) => Explanation
