import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

// Tests on the host run the sources; only the lab imports what has been built.
const sourceOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const setupFiles = ['test/array-buffer-equality.ts']
const resolve = {
  alias: [
    { find: /^ipvs$/, replacement: sourceOf('lib/index.ts') },
    { find: /^ipvs\/state$/, replacement: sourceOf('state/index.ts') },
  ],
}

const config: ViteUserConfig = defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['lib/**/*.ts', 'state/**/*.ts', 'cli/**/*.ts'], reporter: ['text', 'lcov'] },
    projects: [
      // Each file for itself: some replace the addon by a fake, others load it.
      {
        resolve,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'bench/**/*.test.ts'],
          pool: 'threads',
          setupFiles,
        },
      },
      { resolve, test: { name: 'codec', include: ['test/codec/**/*.test.ts'], setupFiles } },
      // Forks, because an addon with work in flight aborts a process whose worker threads are terminated.
      { resolve, test: { name: 'kernel', include: ['test/kernel/**/*.test.ts'], pool: 'forks', setupFiles } },
      {
        resolve,
        test: {
          name: 'hazards',
          include: ['test/hazards/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 60_000,
          setupFiles,
        },
      },
      {
        resolve,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/traffic/**/*.test.ts'],
          globalSetup: ['test/lab/vitest-setup.ts'],
          setupFiles,
          pool: 'forks',
          // All share one kernel; jobs would queue anyway.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
export default config
