import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    coverage: {
      // What decides: its tests must reach every branch that can be reached.
      include: ['packages/client/src/policy/**', 'packages/client/src/execution/**'],
      reporter: ['text'],
      thresholds: { branches: 95 },
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,examples}/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          setupFiles: ['scripts/clean-environment.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{packages,examples}/*/test/**/*.test.ts'],
          exclude: ['packages/client/test/simulation/**'],
          setupFiles: ['scripts/clean-environment.ts'],
          // Servers are started in these tests: two cores carry two files at a time.
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['packages/client/test/simulation/**/*.test.ts'],
          setupFiles: ['scripts/clean-environment.ts'],
          // It brings threads of its own, which would starve the servers of the other tests: after them, one by one.
          pool: 'forks',
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
        },
      },
    ],
  },
});
