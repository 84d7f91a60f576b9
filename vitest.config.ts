import { fileURLToPath } from 'node:url'
import { defineConfig, type UserWorkspaceConfig, type ViteUserConfig } from 'vitest/config'
import { labCount } from './test/lab/mode.ts'

// Tests on the host run the sources; only the lab imports what has been built.
const sourceOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const setupFiles = ['test/array-buffer-equality.ts']
const resolve = {
  alias: [
    { find: /^ipvs$/, replacement: sourceOf('lib/index.ts') },
    { find: /^ipvs\/state$/, replacement: sourceOf('state/index.ts') },
  ],
}
const onKernel: UserWorkspaceConfig['test'] = {
  globalSetup: ['test/lab/vitest-setup.ts'],
  setupFiles,
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 300_000,
}

const config: ViteUserConfig = defineConfig({
  test: {
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts', 'state/**/*.ts', 'cli/**/*.ts', 'director/src/**/*.ts'],
      reporter: ['text', 'lcov'],
    },
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
      { resolve, test: { name: 'director', include: ['director/test/**/*.test.ts'], pool: 'threads', setupFiles } },
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
      // Each worker has a kernel of its own.
      {
        resolve,
        test: {
          ...onKernel,
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/traffic/**/*.test.ts'],
          maxWorkers: labCount(),
          sequence: { groupOrder: 1 },
        },
      },
      // One kernel with two CPUs.
      {
        resolve,
        test: {
          ...onKernel,
          name: 'races',
          include: ['test/races/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      // Not in `npm test`: minutes of drains and of servers that fail.
      {
        resolve,
        test: { ...onKernel, name: 'drains', include: ['test/director/**/*.test.ts'], maxWorkers: 1 },
      },
    ],
  },
})
export default config
