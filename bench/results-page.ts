// The page of a bench's figures.
import type { Results } from './results.ts'

/** `about`: lines that say what the figures are. `drivers`: names with titles. */
export function resultsPage<Cell>(
  { machine, node, commands }: Results<Cell>,
  about: readonly string[],
  drivers: readonly (readonly [name: string, title: string])[],
  sections: readonly string[],
): string {
  const lines = [
    '# Results',
    '',
    ...about,
    '',
    `Machine: ${machine}. Node.js ${node}.`,
    '',
    ...commands.map((command) => `    ${command}\n`),
    ...drivers.map(([name, title]) => `- **${name}**: ${title}`),
    '',
    ...sections,
  ]
  return `${lines.join('\n').trimEnd()}\n`
}
