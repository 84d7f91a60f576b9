// `ipvs adm`: like ipvsadm, with `--netns` in front.
import { netnsPath } from '../shared/netns.ts'
import type { Output } from '../shared/output.ts'
import { adm } from './run.ts'
import { BAD_COMMAND } from './usage-error.ts'

/** Carries out the words behind `adm`. */
export async function admVerb(words: readonly string[], output: Output): Promise<number> {
  const [first = '', second] = words
  if (first.startsWith('--netns=')) return adm(words.slice(1), output, netnsPath(first.slice('--netns='.length)))
  if (first !== '--netns') return adm(words, output)
  if (second === undefined) {
    output.error('--netns: missing argument\n')
    return BAD_COMMAND
  }
  return adm(words.slice(2), output, netnsPath(second))
}
