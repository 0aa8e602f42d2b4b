/**
 * Runs round every test: shows what its programs printed when it failed, ends what it left running, and fails it for
 * that. Vitest loads this before each test file; its hooks run last.
 */
import { afterAll, afterEach, beforeEach } from 'vitest';
import { runningChildren, type Child } from './child-process.ts';

const SHOWN_OUTPUT = 4_000;

let before = new Set<Child>();

beforeEach(() => {
  before = new Set(runningChildren());
});

afterEach(async ({ task }) => {
  const hasFailed = task.result?.state === 'fail';
  if (hasFailed) runningChildren().forEach(show);
  await endLeftovers(
    runningChildren().filter((child) => !before.has(child) && !child.outlivesTest),
    hasFailed,
  );
});

afterAll(async () => {
  await endLeftovers(runningChildren(), false);
});

function show(child: Child): void {
  console.error(`--- ${child.name} (process ${child.pid}) printed:\n${child.output().slice(-SHOWN_OUTPUT)}`);
}

async function endLeftovers(leftovers: readonly Child[], isExcused: boolean): Promise<void> {
  await Promise.all(leftovers.map((child) => child.stop()));
  if (leftovers.length === 0 || isExcused) return;
  throw new Error(`left running: ${leftovers.map((child) => child.name).join('; ')}`);
}
