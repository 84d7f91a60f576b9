// Files of other programs as people have them, with what becomes of each. `npx vitest run --project director -u` writes the results.
import { readFileSync, readdirSync } from 'node:fs'
import { importWith } from '../../src/import/context.ts'
import { formats } from '../../src/import/formats.ts'
import { siteText } from '../../src/import/write.ts'
import { parseSite } from '../../src/site/parse.ts'
import { formatProblem, SiteError } from '../../src/site/problems.ts'

const script = `#!/bin/sh
TEST=\`dig -t soa example.com @$1 | grep -c dns.example.com\`
if [ $TEST != "1" ]; then
	echo "OK"
else
	echo "FAIL"
fi
`

const folderOf = (format: string): URL => new URL(`${format}/`, import.meta.url)

/** The names of the files of a format. */
export function samples(format: string): string[] {
  return readdirSync(folderOf(format)).filter((name) => /\.(?:cf|conf|save)$/.test(name))
}

function problemsOf(text: string): readonly string[] {
  try {
    return parseSite(text, { file: 'site' }).warnings.map(formatProblem)
  } catch (error) {
    if (!(error instanceof SiteError)) throw error
    return error.problems.map(formatProblem)
  }
}

/** Site, remarks and what is doubtful in the site. */
export function imported(format: string, text: string): string {
  const { importer } = formats[format] as (typeof formats)[string]
  const { site, remarks } = importWith(importer, text, {
    addresses: new Map([['mail2.example.com', '192.168.108.172']]),
    programs: new Map([['/usr/local/sbin/dns-check', script]]),
    ports: new Map(Object.entries({ http: 80, https: 443, smtp: 25, ftp: 21 })),
    marked: new Map(),
  })
  const written = siteText(site)
  const lines = remarks.map(({ kind, line, text: what }) => `# ${line ?? 1}: ${kind}: ${what}`)
  return [written.trimEnd(), ...lines, ...problemsOf(written).map((line) => `# ${line}`), ''].join('\n')
}

/** The text of a sample. */
export function sampleText(format: string, name: string): string {
  return readFileSync(new URL(name, folderOf(format)), 'utf8')
}
