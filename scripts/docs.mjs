// Builds the reference of the public API into docs/api. Fails if a public symbol has no documentation.
// typedoc comes from the registry, with its own TypeScript; it is not a dependency of the project.
import { spawnSync } from 'node:child_process'

const root = new URL('..', import.meta.url).pathname
const packages = ['--package=typedoc@0.28.20', '--package=typescript@6.0.3']
const options = {
  entryPoints: ['lib/index.ts', 'state/index.ts'],
  tsconfig: 'tsconfig.json',
  out: 'docs/api',
  name: 'ipvs',
  readme: 'README.md',
  excludeInternal: true,
  disableSources: true, // links to lines would need a commit
  'validation.notDocumented': true,
  'validation.notExported': true,
  'validation.invalidLink': true,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
}
// Described by the comment of BatchOperation: the name of a method, and its arguments by name.
const described = ['operation', 'service', 'destination', 'patch'].map((name) => `BatchOperation.__type.${name}`)
// Kinds that need documentation.
const kinds = ['Class', 'Interface', 'TypeAlias', 'Function', 'Variable', 'Method', 'Property', 'Accessor']
const typedoc = [
  ...Object.entries(options).flatMap(([name, value]) => [value].flat().flatMap((each) => [`--${name}`, String(each)])),
  ...kinds.flatMap((kind) => ['--requiredToBeDocumented', kind]),
  ...described.flatMap((name) => ['--intentionallyNotDocumented', name]),
  ...process.argv.slice(2),
]
const { status, error } = spawnSync('npm', ['exec', '--yes', ...packages, '--', 'typedoc', ...typedoc], {
  cwd: root,
  stdio: 'inherit',
})
if (error) console.error(`docs: ${error.message}`)
process.exit(status ?? 1)
