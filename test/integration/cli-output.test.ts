// The command line on a real kernel: names that drive a terminal, and what the kernel refuses.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

/** Scripts of bash in a new namespace, one after the other; `ipvs` is our program. What each wrote. */
async function written(scripts: readonly string[]): Promise<string[]> {
  return lab.run(
    async ({ netns, run, root }, all) => {
      const place = await netns()
      const results: string[] = []
      for (const script of all) {
        const ours = `ipvs() { "${process.execPath}" "${root}/dist/cli.cjs" "$@"; }; ${script}`
        const { stdout, stderr } = await run('bash', ['-c', ours], { netns: place })
        results.push(stdout + stderr)
      }
      return results
    },
    scripts,
    { timeoutMs: 100_000 },
  )
}

test('names with control characters, from the kernel and from rules', async () => {
  const name = "$(printf 'e\\033[2J')"
  const [, , daemons, saved, , marks, exported, json] = await written([
    `ip link add "${name}" type dummy; ip link set "${name}" up`,
    `ipvsadm --start-daemon master --mcast-interface "${name}"`,
    'ipvs adm -L --daemon',
    'ipvs save',
    `ipvs marks add 7 172.16.0.100 tcp 80; nft add element inet ipvs exact4 "{ 172.16.0.9 . tcp . 80 comment \\"${name}\\" : 5 }"`,
    'ipvs marks list',
    'ipvs marks export',
    'ipvs marks list --json',
  ])
  for (const text of [daemons, saved, marks, exported, json]) {
    expect(text).toContain('e\\u001b[2J')
    expect(text).not.toContain('\u001B')
  }
  expect(JSON.parse(json ?? '')).toContainEqual(expect.objectContaining({ mark: 5, comment: 'e\u001B[2J' }))
})

test('what the kernel refuses, in the words of the command line', async () => {
  const seen = await written([
    'ipvs add service mark:3; ipvs add service mark:3; echo $?',
    'ipvs add service mark:4 --scheduler nope; echo $?',
    'ipvs set destination mark:3 10.0.0.2 --weight 3; echo $?',
    'ipvs marks add 7 172.16.0.100 tcp 80; ipvs marks add 8 172.16.0.100 tcp 80-90; echo $?',
    'ipvs list --netns nowhere; echo $?',
    "printf -- '-A -f \\033[2J\\n' | ipvs adm -R; echo $?",
    "printf '\\357\\273\\277-A -f 9\\n' | ipvs adm -R; ipvsadm -Sn | grep -c -- '-f 9 '",
    'ipvs adm -R </dev/zero; echo $?',
  ])
  expect(seen).toEqual([
    '1\nipvs: mark:3: the service exists already; change it with "ipvs set service" (EEXIST).\n',
    expect.stringMatching(/^1\nipvs: mark:4: the kernel does not know scheduler "nope"/),
    '1\nipvs: mark:3 -> 10.0.0.2:0: the service has no such destination (ENOENT).\n',
    expect.stringMatching(/^1\nipvs: rule: .* in port 80; remove that rule first, .* with "ipvs marks replace"\n$/),
    expect.stringMatching(/^1\nipvs: --netns: "\/run\/netns\/nowhere" cannot be opened as a network namespace/),
    "2\nline 1: -A -f \\u001b[2J: invalid fwmark value `\\u001b[2J' specified\n0 of 1 commands applied, 1 failed\n",
    '1\n',
    '255\nstandard input: is not text: byte 0 is zero\n',
  ])
})
