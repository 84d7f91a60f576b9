// Bundles the command line with the library into a few CommonJS files: Node.js takes half a millisecond per module and several
// milliseconds for its ESM loader, and scripts call the program thousands of times.
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = new URL('..', import.meta.url).pathname
const dist = join(root, 'dist')

for (const name of readdirSync(dist)) if (/^cli(-.*)?\.c?js$/.test(name)) rmSync(join(dist, name))
const bundle = await rolldown({
  input: { cli: join(root, 'out/cli/main.js') },
  platform: 'node',
  external: ['commander', 'node-gyp-build'],
  resolve: { alias: { ipvs: join(dist, 'index.js') } },
})
// All files go next to index.js: the library looks for the addon one level above its own file.
await bundle.write({ dir: dist, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: 'cli-[name].cjs' })
await bundle.close()

// The bundle contains the YAML parser.
copyFileSync(join(root, 'node_modules/yaml/LICENSE'), join(dist, 'cli-yaml-LICENSE'))
