// `ipvs lab`: the lab that the tests run in, for people whose machine has no IPVS.
import { labCommand } from '../lab/command.ts'
import { plainOutput, type Output } from './shared/output.ts'

/** Carries out the words behind `lab`, and answers the exit status. */
export async function labVerb(words: readonly string[], output: Output = plainOutput): Promise<number> {
  return labCommand(words, 'ipvs lab', (text) => output.out(text))
}
