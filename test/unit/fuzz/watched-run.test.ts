/** A thread that can't tell any more what it was at: the input is known all the same. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runWatched, SHARED_HEADER_BYTES } from '../../fuzz/watched-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const PRELUDE = `
import { parentPort, workerData } from 'node:worker_threads';
const header = new Int32Array(workerData.shared, 0, 2);
new Uint8Array(workerData.shared, ${SHARED_HEADER_BYTES}).set([7, 8, 9]);
header[1] = 3;
header[0] = 1;
`;

function run(body: string): ReturnType<typeof runWatched> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'worker.js'), PRELUDE + body);
  return runWatched({ target: 'one', maxBytes: 8, seconds: 1, seed: 1, stored: [], folder, hangMs: 100, heapMb: 24 });
}

describe('a target in its thread', () => {
  it('that never comes back is ended, and its input told', async () => {
    expect(await run('for (;;);')).toEqual({ input: Uint8Array.of(7, 8, 9), what: 'did not end within 100 ms' });
  });

  it('that uses up its memory is ended, and its input told', async () => {
    const body = 'const kept = []; for (;;) { header[0]++; kept.push({ text: String(Math.random()) }); }';
    const { input, what } = (await run(body)) as { input: Uint8Array; what: string };
    expect([...input]).toEqual([7, 8, 9]);
    expect(what).toContain('24 MB');
  });

  it('gives its report', async () => {
    expect(await run('parentPort.postMessage({ executions: 5 });')).toEqual({ executions: 5 });
  });

  it('that breaks by itself is an error, and no finding', async () => {
    await expect(run("throw new Error('of the fuzzer');")).rejects.toThrow('of the fuzzer');
  });
});
