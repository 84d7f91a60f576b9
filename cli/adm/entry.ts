// `ipvs adm`: ipvsadm's command line, with an optional `--netns` first.
import { netnsPath } from '../shared/netns.ts'
import type { Streams } from '../shared/streams.ts'
import { adm } from './run.ts'
import { BAD_COMMAND } from './usage-error.ts'

/** Runs the arguments after `adm`; returns the exit status. */
export async function admVerb(words: readonly string[], streams: Streams): Promise<number> {
  const [first = '', second] = words
  if (first.startsWith('--netns=')) return adm(words.slice(1), streams, netnsPath(first.slice('--netns='.length)))
  if (first !== '--netns') return adm(words, streams)
  if (second === undefined) {
    streams.error('--netns: missing argument\n')
    return BAD_COMMAND
  }
  return adm(words.slice(2), streams, netnsPath(second))
}
