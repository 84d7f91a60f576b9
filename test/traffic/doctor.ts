// `ipvs doctor` on a director, and its fixes carried out as they are printed; in the lab.
import type { Reported } from '../../cli/doctor/doctor.ts'
import type { LabContext, Netns, RunResult } from '../lab/job.ts'

export interface Patient {
  readonly director: Netns
  /** Machines that fixes may go to by `ssh`. */
  readonly servers: readonly { readonly netns: Netns; readonly ipv4: string; readonly ipv6?: string }[]
}

/** What clients met, and what the doctor said then. */
export interface Step {
  readonly findings: Reported[]
  /** Who answered the client. */
  readonly who: string[]
}

/** Level and code of each finding. */
export const told = ({ findings }: Step): string[] => findings.map(({ level, code }) => `${level} ${code}`)

/** What a sound director is told. */
export const sound: readonly string[] = ['good nothing']

export class Doctor {
  /** By their names. */
  readonly steps: Record<string, Step> = {}
  readonly #context: LabContext
  readonly #patient: Patient
  /** The folder of the commands that fixes consist of. */
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

  /** Runs shell text that may contain commands of `ipvs`, in the director's namespace or the one of the lab. */
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

  /** A step: traffic, and what is found after it. */
  async look(name: string, traffic: () => Promise<string[]>): Promise<void> {
    const who = await traffic()
    this.steps[name] = { who, findings: await this.findings() }
  }

  /** Two steps, `NAME` and `NAME-mended`: the traffic before and after what the finding says was carried out as printed. */
  async mend(name: string, code: string, traffic: () => Promise<string[]>): Promise<void> {
    await this.look(name, traffic)
    const findings = this.steps[name]?.findings
    const fix = findings?.find((finding) => finding.code === code)?.fix
    if (fix === undefined) return // the test says that the finding is missing
    const { status, stderr } = await this.run(fix)
    if (status !== 0) throw new Error(`${fix}: ${stderr}`)
    await this.look(`${name}-mended`, traffic)
  }
}
