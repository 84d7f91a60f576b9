// The text format of Prometheus (0.0.4).

export type MetricType = 'gauge' | 'counter'
/** `service="shop",server="web1"`: made once for all metrics of a server. */
export type Labels = string

const escaped = (text: string): string =>
  /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text

export const NO_LABELS: Labels = ''

export function labelsOf(labels: Readonly<Record<string, string>>): Labels {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')
}

/** Families of metrics, each with all of its samples. */
export class MetricsText {
  readonly #lines: string[] = []

  /** `name` without prefix; a counter ends in `_total`. */
  add(
    name: string,
    type: MetricType,
    help: string,
    samples: readonly (readonly [Labels, number | bigint | boolean])[],
  ): void {
    const full = `ipvs_director_${name}`
    this.#lines.push(`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`)
    for (const [labels, value] of samples) {
      const shown = typeof value === 'bigint' ? value : Number(value)
      this.#lines.push(labels === NO_LABELS ? `${full} ${shown}` : `${full}{${labels}} ${shown}`)
    }
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}
