import type { Output } from '../output.ts'
export async function runProgram(words: readonly string[], output: Output): Promise<number> {
  output.error(words.join(' '))
  return 2
}
