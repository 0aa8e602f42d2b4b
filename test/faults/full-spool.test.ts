/** A node with little room for what its programs print: they go on, and what was left out is counted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { FaultFleet } from '../support/fault-fleet.ts';
import { noTestNetwork } from '../support/test-network.ts';

const MEGABYTE = 1024 * 1024;
const WRITTEN = 64_000_000;
const LINE = '0123456789abcde\n';

const missing = noTestNetwork();
describe.skipIf(missing !== undefined)(`a spool without room${missing === undefined ? '' : ` (${missing})`}`, () => {
  let fleet: FaultFleet;
  beforeAll(async () => {
    fleet = await FaultFleet.start({ nodes: ['small'], stateSize: { small: '8m' } });
  });
  afterAll(() => fleet?.stop());

  it('holds no program up, keeps the beginning, counts the rest, and has room for how it ended', async () => {
    // Faster than anybody can fetch it, and more than there is room for.
    const script = `yes 0123456789abcde | head -c ${WRITTEN}; echo last words >&2; exit 3`;
    const output = join(fleet.folder, 'output');
    const cli = await fleet.cli.run(
      'exec',
      '--node',
      'small',
      '-o',
      'json',
      '--output-dir',
      output,
      '--shell',
      '--',
      script,
    );
    const [node] = (JSON.parse(cli.stdout) as Report).nodes;
    expect(node).toMatchObject({
      state: 'failed',
      reason: 'exit 3: last words',
      data: { exit: 3, stderr: 'last words\n' },
    });
    const kept = readFileSync(join(output, 'small', 'stdout'));
    expect(kept.length).toBeGreaterThan(MEGABYTE);
    expect(kept.length).toBeLessThan(WRITTEN);
    expect(kept.equals(Buffer.alloc(kept.length, LINE))).toBe(true);
    expect(cli.stderr).toContain(`${WRITTEN - kept.length}`);
  });

  it('has room again for the next program', async () => {
    const script = 'yes 0123456789abcde | head -c 1000000';
    const report = await fleet.cli.json<Report>('exec', '--node', 'small', '--shell', '--', script);
    expect(report.nodes[0]).toMatchObject({ state: 'ok' });
  });
});
