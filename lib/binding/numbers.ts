// Numbers of native code by name: codes in rows and calls, and bounds that both sides check.
import { binding } from './addon.ts'

/** Selected numbers of a group of `Binding.numbers`. */
export function numbersOf<Name extends string>(group: string, names: readonly Name[]): Readonly<Record<Name, number>> {
  const known = binding.numbers[group]
  const entries = names.map((name) => {
    const number = known?.[name]
    if (number === undefined)
      throw new Error(`ipvs: the native build knows no number "${group}.${name}"; build it again`)
    return [name, number] as const
  })
  return Object.fromEntries(entries) as Record<Name, number>
}
