import { defineConfig } from 'vitest/config'

const everywhere = {
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
  chaiConfig: { truncateThreshold: 200 }, // a row's name is a sentence, shown whole in the test's title
} as const
const slow = { ...everywhere, testTimeout: 180_000, hookTimeout: 180_000 } as const

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres.ts'],
    maxWorkers: 2,
    // One after the other, the quickest answers first; the terminal shows where a test belongs.
    projects: [
      {
        test: {
          ...everywhere,
          name: 'suites',
          include: ['test/**/*.test.ts'],
          exclude: ['test/acceptance/**', 'test/e2e/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...slow,
          name: 'acceptance',
          include: ['test/acceptance/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...slow, name: 'browser', include: ['test/e2e/**/*.test.ts'], sequence: { groupOrder: 2 } } },
    ],
  },
})
