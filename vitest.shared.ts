// One configuration for every project: unit and scenario tests in `test`, tests against real servers in `real`.
import { join } from 'node:path'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** The vitest configuration of one project and lane. `real` runs `*.real.test.ts` one file after the other. */
export function lane (project: string, which: 'test' | 'real'): ViteUserConfig {
  const real = which === 'real'
  return defineConfig({
    test: {
      name: project,
      include: [real ? '**/*.real.test.ts' : '**/*.test.ts'],
      exclude: ['**/node_modules/**', ...(real ? [] : ['**/*.real.test.ts'])],
      environment: 'node',
      pool: 'forks',
      fileParallelism: !real,
      testTimeout: real ? 60_000 : 15_000,
      hookTimeout: 60_000,
      reporters: ['default', [join(import.meta.dirname, 'tools/lane-reporter.ts'), { lane: which }]],
    },
  })
}
