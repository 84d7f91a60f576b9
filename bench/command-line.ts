// Shared parts of the benches' command lines.
import { parseArgs, type ParseArgsConfig } from 'node:util'

import { BenchError } from './bench-error.ts'

/** Of every bench. */
export const commonOptions = {
  kernels: { type: 'string' },
  drivers: { type: 'string' },
  repeat: { type: 'string' },
  json: { type: 'string' },
  from: { type: 'string', multiple: true },
  save: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Of benches with sizes. */
export const choiceOptions = {
  direct: { type: 'boolean' },
  trials: { type: 'string' },
  sizes: { type: 'string' },
} as const

type Values<Options extends NonNullable<ParseArgsConfig['options']>> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; strict: true }>
>['values']

export function parseWords<const Options extends NonNullable<ParseArgsConfig['options']>>(
  words: readonly string[],
  options: Options,
): Values<Options> {
  try {
    return parseArgs({ args: [...words], options, strict: true }).values
  } catch (error) {
    throw new BenchError(error instanceof Error ? error.message : String(error))
  }
}

export function list(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

export function count(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new BenchError(`${option}: "${text}" is not a number above 0`)
  return value
}

export function counts(option: string, text: string | undefined): number[] | undefined {
  return list(text)?.map((word) => count(option, word))
}

export function chosen<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): Name[] | undefined {
  return list(text)?.map((word) => {
    const found = names.find((name) => name === word)
    if (found === undefined) throw new BenchError(`${option}: "${word}" is none of ${names.join(', ')}`)
    return found
  })
}

/** The command line of a measurement, for the report, without --json. */
export function commandOf(script: string, words: readonly string[]): string {
  const told = words.filter((word, index) => word !== '--json' && words[index - 1] !== '--json')
  return [`npm run ${script}`, ...(told.length > 0 ? ['--', ...told] : [])].join(' ')
}
