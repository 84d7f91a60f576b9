// Descriptions of failed system calls.

/** Returns, for example, `no space left on device (ENOSPC)`. */
export function systemProblem(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  const [, words] = /^[A-Z0-9]+: (.*?), \w+/.exec(message) ?? []
  return words === undefined ? message : `${words} (${code})`
}
