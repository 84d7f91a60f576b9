// Files of other programs as people have them, with what becomes of each. `npx vitest run --project director -u` writes the results.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { importWith, type ForeignRules } from '../../src/import/context.ts'
import { formats } from '../../src/import/formats.ts'
import { markedVirtuals, type Marked } from '../../src/import/marked.ts'
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

const included = `virtual_server 192.0.2.9 25 {
    lb_kind NAT
    real_server 10.0.0.9 25 {
        SMTP_CHECK { helo_name lb.example.com }
    }
}
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

function rulesOf(text: string | undefined): ForeignRules & Pick<Marked, 'remarks'> {
  return text === undefined ? { marked: new Map(), activeFtp: false, remarks: [] } : markedVirtuals(text)
}

/** Site, remarks and what is doubtful in the site. */
export function imported(format: string, text: string, rules: string | undefined): string {
  const { remarks: ruleRemarks, ...foreign } = rulesOf(rules)
  const { importer } = formats[format] as (typeof formats)[string]
  const { site, remarks } = importWith(importer, text, {
    addresses: new Map([['mail2.example.com', '192.168.108.172']]),
    programs: new Map([['/usr/local/sbin/dns-check', script]]),
    includes: new Map([['conf.d/*.conf', [included]]]),
    ports: new Map(Object.entries({ http: 80, https: 443, smtp: 25, ftp: 21 })),
    ...foreign,
  })
  const written = siteText(site)
  const ruleLines = ruleRemarks.map(({ line, text: what }) => `# rules ${line}: ${what}`)
  const lines = remarks.map(({ kind, line, text: what }) => `# ${line ?? 1}: ${kind}: ${what}`)
  return [written.trimEnd(), ...ruleLines, ...lines, ...problemsOf(written).map((line) => `# ${line}`), ''].join('\n')
}

/** The text of a sample, and of the packet filter's rules beside it. */
export function sampleTexts(format: string, name: string): [text: string, rules: string | undefined] {
  const file = new URL(name, folderOf(format))
  const rules = new URL(name.replace(/\.\w+$/, '.rules'), folderOf(format))
  return [readFileSync(file, 'utf8'), existsSync(rules) ? readFileSync(rules, 'utf8') : undefined]
}
