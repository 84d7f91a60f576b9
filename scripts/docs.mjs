// Builds the reference of the public API and the pages of docs/ as one folder, docs/api. Fails if a public declaration has no text,
// or a link leads nowhere. Before that, shows on planted files that it would fail.
// typedoc comes from the registry, with its own TypeScript; it is not a dependency of the project.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const packages = ['--package=typedoc@0.28.20', '--package=typescript@6.0.3']
const checks = {
  excludeInternal: true,
  disableSources: true, // links to lines would need a commit
  'validation.notDocumented': true,
  'validation.notExported': true,
  'validation.invalidLink': true,
  'validation.invalidPath': true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
}
const pages = {
  entryPoints: ['lib/index.ts', 'state/index.ts'],
  tsconfig: 'tsconfig.json',
  out: 'docs/api',
  name: 'ipvs',
  readme: 'README.md',
  highlightLanguages: ['bash', 'sh', 'ini', 'javascript', 'js', 'json', 'typescript', 'ts', 'yaml'],
  intentionallyNotExported: ['Row'], // its properties appear in the types of changes
  projectDocuments: [
    'docs/*.md',
    'docs/guide/*.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'bench/results.md',
  ],
}
// Members of unions: the comment of the union describes them.
const described = {
  'lib.BatchOperation': 'operation service destination patch',
  'state.ServiceChange': 'action service from destinations',
  'state.DestinationChange': 'action service destination from',
  'state.RuleChange': 'action rule from',
  'state.DaemonChange': 'action daemon',
  'state.TimeoutsChange': 'action',
  'state.RepairChange': 'action problems',
  'state.StateEntry': 'key kind service destination rule daemon',
}
const members = Object.entries(described).flatMap(([type, names]) =>
  names.split(' ').map((name) => `${type}.__type.${name}`),
)
// Kinds that need text.
const kinds = ['Class', 'Interface', 'TypeAlias', 'Function', 'Variable', 'Method', 'Property', 'Accessor']

function typedoc(options, more = []) {
  const words = Object.entries({ ...checks, ...options }).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => [`--${name}`, String(each)]),
  )
  const required = kinds.flatMap((kind) => ['--requiredToBeDocumented', kind])
  return spawnSync('npm', ['exec', '--yes', ...packages, '--', 'typedoc', ...words, ...required, ...more], {
    cwd: root,
    encoding: 'utf8',
  })
}

function fail(message) {
  console.error(`docs: ${message}`)
  process.exit(1)
}

// A declaration without text and a link to nothing must both be found.
const planted = mkdtempSync(join(tmpdir(), 'ipvs-docs-'))
try {
  const [source, tsconfig, out] = ['planted.ts', 'tsconfig.json', 'out'].map((name) => join(planted, name))
  writeFileSync(source, '/** See {@link nothing}. */\nexport interface Planted {\n  readonly bare: number\n}\n')
  writeFileSync(tsconfig, '{ "files": ["planted.ts"], "compilerOptions": { "strict": true, "types": [] } }\n')
  const { error, status, stdout, stderr } = typedoc({
    name: 'planted',
    entryPoints: [source],
    tsconfig,
    out,
    readme: 'none',
  })
  if (error) fail(error.message)
  const seen = `${stdout}${stderr}`
  const found = ['Planted.bare (Property)', 'Failed to resolve link to "nothing"'].every((text) => seen.includes(text))
  if (status === 0 || !found) fail(`planted mistakes were not found:\n${seen}`)
} finally {
  rmSync(planted, { recursive: true })
}

const { status, stdout, stderr } = typedoc(pages, [
  ...members.flatMap((name) => ['--intentionallyNotDocumented', name]),
  ...process.argv.slice(2),
])
process.stderr.write(`${stdout}${stderr}`)
process.exit(status ?? 1)
