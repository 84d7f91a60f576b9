// Charts the cost of an item against N as SVG: a row of panels per kernel, both axes logarithmic.
import { figuresOf, type Results, type Run } from './results.ts'
import { digits } from './statistics.ts'
import { itemsOf, type DriverName, type Phase } from './trials/trials.ts'

export interface Series {
  readonly name: DriverName
  /** [N, microseconds per item], N ascending. */
  readonly points: readonly (readonly [number, number])[]
}

export interface Panel {
  readonly title: string
  readonly series: readonly Series[]
}

const panelWidth = 460
const panelHeight = 300
const margin = { left: 56, right: 16, top: 34, bottom: 40 }
const charted: readonly { trial: string; phase: Phase; title: string }[] = [
  { trial: 'services-tcp', phase: 'add', title: 'adding a service and its destination' },
  { trial: 'services-tcp', phase: 'remove', title: 'removing a service' },
]
const colours: Partial<Record<DriverName, string>> = {
  batch: '#0b6e4f',
  warm: '#5b8e7d',
  tick: '#3fa34d',
  awaited: '#91cb3e',
  loop: '#3d5a80',
  restore: '#e07a5f',
  each: '#b23a48',
  limit: '#000000',
}

export function panelsOf(run: Run): Panel[] {
  return charted.flatMap(({ trial, phase, title }) => {
    const figures = figuresOf(run, trial)
    const series = figures.drivers.map((name): Series => {
      const points = figures.lines
        .filter((line) => line.value === phase)
        .flatMap((line): [number, number][] => {
          const found = line.entries.get(name)?.value.median
          return found === undefined
            ? []
            : [[line.n, (found * 1e6) / (itemsOf(phase, figures.trial.table(line.n)) || 1)]]
        })
      return { name, points }
    })
    const filled = series.filter(({ points }) => points.length > 0)
    return filled.length === 0 ? [] : [{ title: `Linux ${run.release}: ${title}`, series: filled }]
  })
}

/** The powers of ten around the values. */
export function decades(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1)
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
}

function scale(ticks: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log10(ticks[0] ?? 1), Math.log10(ticks.at(-1) ?? 10)]
  return (value) => Number((from + ((Math.log10(value) - low) / (high - low)) * (to - from)).toFixed(1))
}

function text(x: number, y: number, content: string, extra = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${y}" ${extra}>${escaped}</text>`
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#dddddd"/>`
}

function seriesLines({ name, points }: Series, x: (n: number) => number, y: (cost: number) => number): string[] {
  const colour = colours[name] ?? '#888888'
  const places = points.map(([n, cost]) => `${x(n)},${y(cost)}`)
  const dash = name === 'limit' ? ' stroke-dasharray="5 3"' : ''
  const dots = points.map(([n, cost]) => `<circle cx="${x(n)}" cy="${y(cost)}" r="3" fill="${colour}"/>`)
  return [`<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.8"${dash}/>`, ...dots]
}

function panelLines(panel: Panel, left: number, top: number): string[] {
  const xTicks = decades(panel.series.flatMap(({ points }) => points.map(([n]) => n)))
  const yTicks = decades(panel.series.flatMap(({ points }) => points.map(([, cost]) => cost)))
  const [x0, x1] = [left + margin.left, left + panelWidth - margin.right]
  const [y0, y1] = [top + panelHeight - margin.bottom, top + margin.top]
  const x = scale(xTicks, x0, x1)
  const y = scale(yTicks, y0, y1)
  return [
    text(x0, top + 20, panel.title, 'font-weight="bold"'),
    ...xTicks.flatMap((n) => [grid(x(n), y0, x(n), y1), text(x(n), y0 + 16, digits(n), 'text-anchor="middle"')]),
    ...yTicks.flatMap((cost) => [
      grid(x0, y(cost), x1, y(cost)),
      text(x0 - 6, y(cost) + 4, digits(cost), 'text-anchor="end"'),
    ]),
    text(x1, y0 + 32, 'N', 'text-anchor="end"'),
    text(x0, y0 + 32, 'microseconds for one item'),
    ...panel.series.flatMap((series) => seriesLines(series, x, y)),
  ]
}

function legendLines(names: readonly DriverName[], y: number): string[] {
  return names.flatMap((name, index) => {
    const left = margin.left + index * 100
    const colour = colours[name] ?? '#888888'
    return [`<rect x="${left}" y="${y}" width="14" height="4" fill="${colour}"/>`, text(left + 20, y + 6, name)]
  })
}

export function chart(rows: readonly (readonly Panel[])[]): string {
  const width = panelWidth * Math.max(1, ...rows.map((panels) => panels.length))
  const height = panelHeight * rows.length + 30
  const names = [...new Set(rows.flat().flatMap((panel) => panel.series.map(({ name }) => name)))]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...rows.flatMap((panels, row) =>
      panels.flatMap((panel, column) => panelLines(panel, column * panelWidth, row * panelHeight)),
    ),
    ...legendLines(names, height - 20),
    '</svg>',
    '',
  ].join('\n')
}

export function chartOf(results: Results): string {
  return chart(results.runs.map(panelsOf).filter((panels) => panels.length > 0))
}
