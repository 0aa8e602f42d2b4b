import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startChild } from '../../support/child-process.ts';

const COUNT = resolve(import.meta.dirname, '../../../.ci/count.mjs');
const NUMBERS = { numPassedTests: 7, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };

describe('the last line of .ci/run', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-count-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const count = async (report: string | object, exitCode: number): Promise<string> => {
    const path = join(folder, 'report.json');
    await writeFile(path, typeof report === 'string' ? report : JSON.stringify(report));
    const child = await startChild(process.execPath, [COUNT, path, String(exitCode)]);
    await child.ended;
    return child.stdout();
  };

  it('counts what the report has', async () => {
    expect(await count(NUMBERS, 0)).toBe('7 passed, 0 failed\n');
    expect(await count({ ...NUMBERS, numFailedTests: 2 }, 1)).toBe('7 passed, 2 failed\n');
    expect(await count({ ...NUMBERS, numPendingTests: 1, numTodoTests: 1 }, 0)).toBe('7 passed, 0 failed, 2 skipped\n');
  });

  it('counts a file that does not load as a failure', async () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{ status: 'failed' }] },
    ];
    expect(await count({ ...NUMBERS, numFailedTests: 1, testResults }, 1)).toBe('7 passed, 2 failed\n');
  });

  it('has a failure whenever the run ended badly', async () => {
    expect(await count(NUMBERS, 1)).toBe('7 passed, 1 failed\n');
    expect(await count('', 1)).toBe('0 passed, 1 failed\n');
    expect(await count('{"cut', 124)).toBe('0 passed, 1 failed\n');
  });
});
