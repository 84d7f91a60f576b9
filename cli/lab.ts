// `ipvs lab`: the lab of the tests, for machines without IPVS.
import { labCommand } from '../lab/command.ts'
import { plainStreams, type Streams } from './shared/streams.ts'

/** Runs the arguments after `lab`; returns the exit status. */
export async function labVerb(words: readonly string[], streams: Streams = plainStreams): Promise<number> {
  return labCommand(words, 'ipvs lab', (text) => streams.out(text))
}
