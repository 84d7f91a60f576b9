// Writes the tables of docs/reliability.md from the stored results of all kernels.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kernelSources } from '../../lab/kernels.ts'
import type { Finding, KernelResult } from './results.ts'

const root = join(import.meta.dirname, '../../..')
const START = '<!-- scorecard: written by test/faults/report.ts -->'
const END = '<!-- end of the scorecard -->'

type Cell = (result: KernelResult) => string

const figure =
  (part: string, name: string): Cell =>
  (result) => {
    const value = result.parts.find((each) => each.name === part)?.figures[name]
    return value === undefined ? 'not run' : value.toLocaleString('en')
  }

const of =
  (part: string, name: string, all: string): Cell =>
  (result) =>
    result.parts.some((each) => each.name === part)
      ? [name, all].map((each) => figure(part, each)(result)).join(' of ')
      : 'not run'

const findings = ({ parts }: KernelResult): Finding[] => parts.flatMap((part) => part.findings)
const count =
  (...troubles: readonly Finding['trouble'][]): Cell =>
  (result) =>
    String(findings(result).filter(({ trouble }) => troubles.includes(trouble)).length)

const minutes: Cell = ({ seconds }) => (seconds / 60).toFixed(0)

const rows: readonly (readonly [string, Cell])[] = [
  ['faults tried, of all there are', of('faults', 'tried', 'faults')],
  ['system calls that failed', figure('faults', 'system calls')],
  ['datagrams lost or damaged', figure('faults', 'datagrams')],
  ['promise resolved', figure('faults', 'resolved')],
  ['rejected, nothing applied', figure('faults', 'not applied')],
  ['rejected, partial', figure('faults', 'partial')],
  ['rejected, unknown', figure('faults', 'unknown')],
  ['kill -9 before or behind a send, then run again', of('kills', 'killed', 'kills there are')],
  ['worker threads terminated', figure('life', 'terminated')],
  ['processes that exit in mid-call', figure('life', 'exited')],
  ['processes started in mid-call (`fork`)', figure('life', 'forked')],
  ['handles opened and closed', figure('life', 'opened')],
  ['calls aborted', figure('life', 'aborted')],
  ['listings of 3,000 services under churn', figure('churn', 'listed')],
  ['of them rejected as a conflict', figure('churn', 'conflicts')],
  ['changes meanwhile', figure('churn', 'changed')],
  ['operations of the growth trial', figure('growth', 'operations')],
  ['memory after them, KiB more', figure('growth', 'KiB more')],
  ['slowest promise, ms beyond its bound', figure('faults', 'overtimeMs')],
  ['**untrue answers**', count('lie')],
  ['**hangs**', count('hang')],
  ['**leaks**', count('leak')],
  ['**crashes, unhandled rejections, handles of no more use**', count('crash', 'unhandled', 'unusable')],
  ['trials that could not be made', count('broken')],
  ['minutes it took', minutes],
]

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

/** A column for each kernel. */
export function scorecard(results: readonly KernelResult[]): string {
  const head = ['', ...results.map(({ kernel, release }) => (kernel === 'host' ? `${release}, no emulator` : release))]
  const body = rows.map(([name, cell]) => line([name, ...results.map((result) => cell(result))]))
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...body].join('\n')
}

function main(): void {
  const stored = ['host', ...kernelSources.map(({ name }) => name)]
    .map((name) => join(root, 'test/faults/results', `${name}.json`))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as KernelResult)
  const card = scorecard(stored)
  const page = join(root, 'docs/reliability.md')
  const text = readFileSync(page, 'utf8')
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start === -1 || end === -1) throw new Error(`${page} has no place for the scorecard`)
  writeFileSync(page, `${text.slice(0, start + START.length)}\n\n${card}\n\n${text.slice(end)}`)
  console.log(card)
}

main()
