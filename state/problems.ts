// Problems of a desired state, each with its path.
import { IpvsError } from 'ipvs'

/** A problem of a desired state. */
export interface StateProblem {
  /** The path of the value: `services[3].destinations[1].weight`; `state` for the whole. */
  readonly path: string
  /** The value, the accepted values and the fix. */
  readonly problem: string
}

/** A desired state is invalid: code `ERR_IPVS_INVALID_ARGUMENT`. Nothing was changed. */
export class StateError extends IpvsError {
  /** All problems, in the order of the state. */
  readonly problems: readonly StateProblem[]

  constructor(operation: string, problems: readonly StateProblem[]) {
    const text = problems.map(({ path, problem }) => `${path}: ${problem}`).join('; ')
    const head = problems.length === 1 ? '' : `${problems.length} problems: `
    super('ERR_IPVS_INVALID_ARGUMENT', `${head}${text}`, { operation, target: '', attribute: problems[0]?.path })
    this.problems = problems
  }
}

/** Collects problems. */
export class Problems {
  readonly list: StateProblem[]

  constructor(list: readonly StateProblem[] = []) {
    this.list = [...list]
  }

  add(path: string, problem: string): undefined {
    this.list.push({ path, problem })
    return undefined
  }

  /**
   * Returns the result of `make`. If it throws an invalid argument, adds a problem at `path` and returns `undefined`. `root`: the
   * name of the row in the errors of `make`.
   */
  at<Value>(path: string, root: string, make: () => Value): Value | undefined {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_INVALID_ARGUMENT') throw error
      return this.add(...placed(error, path, root))
    }
  }
}

/** Path and text of a refused argument: `service.port` of the row at `services[3].service` is `services[3].service.port`. */
export function placed(
  { message, operation, attribute = '' }: IpvsError,
  path: string,
  root: string,
): [string, string] {
  const text = message.startsWith(`${operation}: `) ? message.slice(operation.length + 2) : message
  const isInside = attribute === root || /^[.[]/.test(attribute.slice(root.length))
  if (!attribute.startsWith(root) || !isInside) return [path, text]
  const problem = text.startsWith(`${attribute}: `) ? text.slice(attribute.length + 2) : text
  return [path + attribute.slice(root.length), problem]
}
