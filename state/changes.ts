// The differences between two states, in the order of application.
import type { Change } from './change.ts'
import { changeText } from './change-text.ts'
import type { StateProblem } from './problems.ts'

/** Changes in the order of application. Iterable. */
export class Changes implements Iterable<Change> {
  /** All changes. */
  readonly list: readonly Change[]
  /** With `skipInvalid`: the rows of the desired state that cannot be applied. Nothing changes what these rows name. */
  readonly problems: readonly StateProblem[]

  constructor(list: readonly Change[], problems: readonly StateProblem[] = []) {
    this.list = list
    this.problems = problems
  }

  /** The number of changes; 0: the current state is the desired one. */
  get length(): number {
    return this.list.length
  }

  /** The changes in the order in which they are carried out. */
  [Symbol.iterator](): Iterator<Change> {
    return this.list.values()
  }

  /** One line for each change: `+` for what is added, `~` for what gets other settings, `-` for what is removed. */
  *lines(): Generator<string> {
    for (const change of this.list) yield changeText(change)
  }

  /** {@link lines} in one text, without a newline at the end. Empty if there are no changes. */
  toString(): string {
    return this.list.map(changeText).join('\n')
  }
}
