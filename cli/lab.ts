// `ipvs lab`: the lab of the tests, for machines without IPVS.
import { labCommand } from '../lab/command.ts'
import { plainOutput, type Output } from './shared/output.ts'

/** Runs the arguments after `lab`; returns the exit status. */
export async function labVerb(words: readonly string[], output: Output = plainOutput): Promise<number> {
  return labCommand(words, 'ipvs lab', (text) => output.out(text))
}
