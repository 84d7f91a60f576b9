// `ipvs lab`: the lab's own command line, from the program.
import { expect, test, vi } from 'vitest'
import { labVerb } from '../../../cli/lab.ts'
import { createContext } from '../../../cli/shared/context.ts'
import { createProgram, runProgram } from '../../../cli/verbs/program.ts'
import { usage } from '../../../lab/arguments.ts'
import { Written } from '../cli/written.ts'

test('completion knows the options of the lab', () => {
  const lab = createProgram(createContext(new Written())).commands.find((each) => each.name() === 'lab')
  const known = lab?.options.map(({ long }) => long)
  const said = usage('ipvs lab').match(/--[a-z]+/g)
  expect(known?.toSorted()).toEqual([...new Set(said)].toSorted())
})

test('messages have the name of the command, and failures of the lab are status 125', async () => {
  let stderr = ''
  const output = new Written()
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true))
  const statuses = [await labVerb(['--help'], output), await labVerb(['--kernel', '4.19', 'true'])]
  vi.restoreAllMocks()
  expect(statuses).toEqual([0, 125])
  expect(output.stdout).toMatch(/^usage: ipvs lab \[OPTION\]/)
  expect(output.stdout).not.toContain('npm run')
  expect(stderr).toContain('lab: unknown kernel "4.19"')
})

test('options before the verb are refused', async () => {
  const output = new Written()
  expect(await runProgram(['--netns', 'blue', 'lab', 'true'], output)).toBe(2)
  expect(output.stderr).toContain('ipvs lab COMMAND')
})
