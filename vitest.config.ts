/**
 * Kinds of tests, one folder each; test/README.md says what each may touch. Test files run as processes of their own, two at
 * a time: a continuous-integration machine has two cores, and a test must not see another's modules. Those that wait for
 * what a fleet makes of a minute without its bus run beside each other, after the rest.
 */
import { defineConfig } from 'vitest/config';

const REPORT = process.env['FLEET_TEST_REPORT'] ?? '.cache/test-report.json';

interface Kind {
  readonly name: string;
  readonly testTimeout: number;
  /** Waits for real programs; they have to be there. */
  readonly needsNatsServer: boolean;
  /** Starts the built programs; they have to be those of these sources. */
  readonly needsBuild: boolean;
  /** Files at once. @default 2 */
  readonly workers?: number;
}

const KINDS: readonly Kind[] = [
  { name: 'unit', testTimeout: 10_000, needsNatsServer: false, needsBuild: false },
  { name: 'property', testTimeout: 60_000, needsNatsServer: false, needsBuild: false },
  { name: 'integration', testTimeout: 30_000, needsNatsServer: true, needsBuild: false },
  { name: 'e2e', testTimeout: 60_000, needsNatsServer: true, needsBuild: true },
  { name: 'faults', testTimeout: 180_000, needsNatsServer: true, needsBuild: true, workers: 4 },
];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // A folder that has no test yet is not a failure, a suite without any is.
    reporters: ['default', 'json'],
    outputFile: { json: REPORT },
    projects: KINDS.map(({ name, testTimeout, needsNatsServer, needsBuild, workers = 2 }) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        maxWorkers: workers,
        // Kinds with as many workers run together.
        sequence: { groupOrder: workers },
        testTimeout,
        hookTimeout: testTimeout,
        setupFiles: ['test/support/end-of-test.ts'],
        globalSetup: [
          ...(needsBuild ? ['test/support/fresh-build.ts'] : []),
          ...(needsNatsServer ? ['test/support/nats-server-required.ts'] : []),
        ],
      },
    })),
    coverage: { include: ['shared/**/*.ts', 'agent/**/*.ts', 'controller/**/*.ts'] },
  },
});
