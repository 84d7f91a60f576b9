// Completion, as a real shell does it where there is one.
import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { runProgram } from '../../../../cli/verbs/program.ts'

async function completion(shell: string): Promise<string> {
  let text = ''
  const out = (more: string): void => {
    text += more
  }
  expect(
    await runProgram(['completion', shell], { out, error: out, terminal: false, input: Readable.from(['']) }),
  ).toBe(0)
  return text
}

test.each([
  ['ipvs', 'ma', ['marks']],
  ['ipvs marks', 're', ['remove', 'replace', 'repair']],
  ['ipvs set service mark:7', '--no-p', ['--no-persistence']],
  ['ipvs --netns blue add', 'd', ['destination']],
  ['ipvs marks nat', 'a', ['add']],
  ['ipvs marks nat add redirect', '--to', ['--to-port']],
  ['ipvs list', '--n', ['--netns']],
  ['ipvs lab', '--ke', ['--kernel']],
])('bash: %s %s', async (before, current, expected) => {
  const words = [...before.split(' '), current]
  const script = `${await completion('bash')}
COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _ipvs; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout.trim().split('\n')).toEqual(expected)
})

test('fish and zsh', async () => {
  expect(await completion('fish')).toContain(
    "complete -c ipvs -n '__fish_seen_subcommand_from set; and __fish_seen_subcommand_from service' -l scheduler",
  )
  expect(await completion('zsh')).toContain('bashcompinit')
})

test('another shell is refused', async () => {
  const output = { out: () => {}, error: () => {}, terminal: false, input: Readable.from(['']) }
  expect(await runProgram(['completion', 'tcsh'], output)).toBe(2)
})
