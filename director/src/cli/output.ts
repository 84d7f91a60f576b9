// Printing. Names and words come from files, servers and users: control characters never reach the terminal raw.
import { printable } from '../site/problems.ts'

/** Prints lines; a line break in a text begins another one. */
export function printLines(lines: readonly string[]): void {
  const single = lines.flatMap((line) => line.split('\n')).map(printable)
  if (single.length > 0) process.stdout.write(`${single.join('\n')}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** What of a round failed. */
export const failedLines = (failures: readonly string[]): string[] => failures.map((each) => `FAILED ${each}`)
