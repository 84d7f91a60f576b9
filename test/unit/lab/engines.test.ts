// The two engines: command lines, mounts, and the scripts of their guests.
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { otherShares, rootShare, type EngineOptions } from '../../../lab/engine.ts'
import { guestScript } from '../../../lab/guest-command.ts'
import { initScript, stage2Script } from '../../../lab/guest-scripts.ts'
import { kernelSources } from '../../../lab/kernels.ts'
import { qemuEngine } from '../../../lab/qemu.ts'
import { umlConfiguration } from '../../../lab/uml-config.ts'
import { umlEngine } from '../../../lab/uml.ts'

const output = "/tmp/out, it's"
const options: EngineOptions = {
  kernel: { image: '/cache/image', modules: '/cache/modules', initrd: '/cache/initrd' },
  memoryMb: 512,
  cpus: 3,
  shares: [rootShare, ...otherShares('/cache/modules', [output])],
  terminal: false,
}
const engines = [qemuEngine, umlEngine]
const lines = (words: readonly string[]): string[] => words.filter((word) => /^ssl\d/.test(word))

test('a virtual machine ends with the lab', () => {
  for (const engine of engines) {
    expect(engine.command('/bin/program', options).slice(0, 4)).toEqual(['--pdeathsig', 'KILL', '--', '/bin/program'])
  }
})

test('qemu gets kernel, processors, memory and all shares', () => {
  const words = qemuEngine.command('qemu', options).join(' ')
  for (const part of ['-kernel /cache/image', '-initrd /cache/initrd', '-smp 3', '-m 512', 'tcg,thread=multi']) {
    expect(words).toContain(part)
  }
  expect(words).toContain('path=/,security_model=none,multidevs=remap,readonly=on')
  expect(words).toContain("path=/tmp/out,, it's,security_model=none,multidevs=remap -device")
})

test('User-Mode Linux gets a line for each stream, and one for a terminal', () => {
  const words = umlEngine.command('/cache/image', options)
  for (const word of ['mem=512M', 'ncpus=3', 'initrd=/cache/initrd', 'seccomp=on']) expect(words).toContain(word)
  expect(lines(words)).toEqual(['ssl0=fd:3', 'ssl1=fd:4', 'ssl2=fd:5', 'ssl3=fd:6', 'ssl4=fd:7'])
  const terminal = umlEngine.command('/cache/image', { ...options, terminal: true })
  expect(lines(terminal)).toEqual(['ssl0=fd:3', 'ssl1=fd:4', 'ssl2=fd:5'])
})

test('mounts are read-only, except the output', () => {
  const command = { argv: ['true'], folder: '/', environment: {}, outputs: [output] }
  for (const engine of engines) {
    expect(engine.mount(rootShare)).toMatch(/\bro,/)
    const script = guestScript(command, engine, otherShares('/cache/modules', [output]), 'marker')
    expect(script.match(/-o '?r[ow]/g)?.map((mode) => mode.slice(-2))).toEqual(['ro', 'rw'])
  }
})

test('the guest scripts are valid for sh', () => {
  const command = { argv: ["it's"], folder: output, environment: { A: 'b c' }, outputs: [output] }
  for (const engine of engines) {
    const input = engine.input()
    input.close()
    const shares = [...otherShares('/cache/modules', [output]), ...input.shares]
    for (const text of [initScript(engine), stage2Script(engine), guestScript(command, engine, shares, 'marker')]) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    }
  }
})

test('the configuration names each option once', () => {
  const names = umlConfiguration.map((line) => /^CONFIG_(\w+)=(?:y|m|\d+|"[^"]*")$/.exec(line)?.[1])
  expect(names).not.toContain(undefined)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

test('one kernel is for User-Mode Linux', () => {
  expect(kernelSources.filter(({ engine }) => engine === umlEngine).map(({ name }) => name)).toEqual(['uml'])
})
