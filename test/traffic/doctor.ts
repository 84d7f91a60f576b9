// Runs `ipvs doctor` on a director in the lab and applies the printed fixes.
import type { Reported } from '../../cli/doctor/doctor.ts'
import type { LabContext, Netns, RunResult } from '../lab/job.ts'

export interface Patient {
  readonly director: Netns
  /** Targets of `ssh` in fixes. */
  readonly servers: readonly { readonly netns: Netns; readonly ipv4: string; readonly ipv6?: string }[]
}

/** Servers that replied to clients, and the findings at this time. */
export interface Step {
  readonly findings: Reported[]
  /** Names of the servers that replied. */
  readonly who: string[]
}

/** Level and code of each finding. */
export const reported = ({ findings }: Step): string[] => findings.map(({ level, code }) => `${level} ${code}`)

/** Report for a director without faults. */
export const sound: readonly string[] = ['good nothing']

export class Doctor {
  /** By name. */
  readonly steps: Record<string, Step> = {}
  readonly #context: LabContext
  readonly #patient: Patient
  /** Folder of the commands `ipvs` and `ssh` for fixes. */
  readonly #folder: string

  private constructor(context: LabContext, patient: Patient, folder: string) {
    this.#context = context
    this.#patient = patient
    this.#folder = folder
  }

  static async of(context: LabContext, patient: Patient): Promise<Doctor> {
    const folder = (await context.sh('mktemp -d')).trim()
    const ipvs = `#!/bin/sh\nexec ${process.execPath} ${context.root}/dist/cli.cjs "$@"\n`
    const machines = patient.servers.flatMap(({ netns, ipv4, ipv6 }) =>
      [ipv4, ipv6 ?? ''].flatMap((address) => (address === '' ? [] : `${address}) machine=${netns.name};;`)),
    )
    const ssh = `#!/bin/sh\ncase $1 in\n${machines.join('\n')}\n*) exit 255;;\nesac\nshift\nexec ip netns exec $machine sh -c "$*"\n`
    await context.sh(`cat >${folder}/ipvs`, { input: ipvs })
    await context.sh(`cat >${folder}/ssh; chmod +x ${folder}/*`, { input: ssh })
    return new Doctor(context, patient, folder)
  }

  /** Runs shell text in a namespace, by default the lab's. `ipvs` and `ssh` are commands of this class. */
  async run(text: string, netns?: Netns): Promise<RunResult> {
    const env = { PATH: `${this.#folder}:${process.env['PATH']}` }
    return this.#context.run('sh', ['-ec', text], netns === undefined ? { env } : { env, netns })
  }

  /** Configures the director: lines of shell. */
  async set(...lines: readonly string[]): Promise<void> {
    const { status, stderr } = await this.run(lines.join('\n'), this.#patient.director)
    if (status !== 0) throw new Error(stderr)
  }

  async findings(): Promise<Reported[]> {
    const { stdout, stderr } = await this.run(`ipvs doctor --json --netns ${this.#patient.director.name} || :`)
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout) as Reported[]
  }

  /** Records a step: traffic, then findings. */
  async look(name: string, traffic: () => Promise<string[]>): Promise<void> {
    const who = await traffic()
    this.steps[name] = { who, findings: await this.findings() }
  }

  /** Records two steps, `NAME` and `NAME-mended`: before and after the printed fix of the finding. */
  async mend(name: string, code: string, traffic: () => Promise<string[]>): Promise<void> {
    await this.look(name, traffic)
    const findings = this.steps[name]?.findings
    const fix = findings?.find((finding) => finding.code === code)?.fix
    if (fix === undefined) return // the test fails because of the missing finding
    const { status, stderr } = await this.run(fix)
    if (status !== 0) throw new Error(`${fix}: ${stderr}`)
    await this.look(`${name}-mended`, traffic)
  }
}
