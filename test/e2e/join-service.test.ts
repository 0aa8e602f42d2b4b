/** The enrolment service comes and goes: nobody gets in twice, nobody too many, and who waits gets in when it's back. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { OwnedFleet } from '../support/owned-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

let fleet: OwnedFleet;
beforeAll(async () => {
  fleet = await OwnedFleet.start();
});
afterAll(() => fleet?.stop());

const hasJoined = (name: string): boolean => existsSync(join(fleet.server(name), 'identity.json'));
const onRoster = async (): Promise<string[]> => (await fleet.cli.json<Report>('find')).nodes.map(({ node }) => node);

it('twenty servers and ten uses: exactly ten get in, though the service is killed in between', async () => {
  const first = await fleet.serve();
  const { file } = await fleet.token('--uses', '10');
  const names = Array.from({ length: 20 }, (_, index) => `web${index}`);
  const joining = await Promise.all(names.map((name) => fleet.startJoin(name, file)));
  await waitFor(() => names.some(hasJoined), { what: 'the first to be in', timeoutMs: 30_000, everyMs: 1 });
  first.kill('SIGKILL');
  await first.ended;
  const second = await fleet.serve();
  const exits = await Promise.all(joining.map(async (child) => (await child.ended).code));
  expect(exits.toSorted()).toEqual([...Array<number>(10).fill(0), ...Array<number>(10).fill(7)]);
  expect(names.filter(hasJoined)).toHaveLength(10);
  expect((await onRoster()).toSorted()).toEqual(names.filter(hasJoined).toSorted());
  const tokens = await fleet.cli.json<{ tokens: { used: number }[] }>('enroll', 'tokens');
  expect(tokens.tokens.map(({ used }) => used)).toEqual([10]);
  await second.stop();
});

it('without one it says so, and gets in when there is one again', async () => {
  const first = await fleet.serve();
  const { file } = await fleet.token();
  first.kill('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, signal: null });
  const impatient = await fleet.join('early', file, '--timeout', '1ms');
  expect(impatient).toMatchObject({ exit: 5, stdout: '' });
  expect(impatient.stderr).toContain('fleet enroll serve');
  expect(await fleet.cli.run('enroll', 'list')).toMatchObject({
    exit: 5,
    stderr: expect.stringContaining('has not answered yet'),
  });
  const waiting = await fleet.startJoin('early', file);
  await waitFor(() => waiting.stderr().includes('no answer yet'), { what: 'it to say that nobody answers' });
  const second = await fleet.serve();
  expect(await waiting.ended).toEqual({ code: 0, signal: null });
  await second.stop();
});

it('does not start where it can not write down whom it lets in', async () => {
  const audit = join(fleet.issuerHome, 'audit');
  await rm(audit, { recursive: true, force: true });
  await writeFile(audit, 'a file in the way');
  try {
    const refused = await fleet.cli.run('enroll', 'serve', '--dir', fleet.issuerHome);
    expect(refused).toMatchObject({ exit: 2, stdout: '' });
    expect(refused.stderr).toContain('audit trail');
  } finally {
    await rm(audit);
  }
});

it('starts before its bus, and ends while it waits for it', async () => {
  const nowhere = await OwnedFleet.start({ isBusUp: false });
  try {
    const service = await nowhere.cli.start(['enroll', 'serve', '--dir', nowhere.issuerHome]);
    await waitFor(() => service.stdout().includes('waiting for the bus'), { what: 'it to wait' });
    service.kill('SIGTERM');
    expect((await service.ended).signal).toBeNull();
  } finally {
    await nowhere.stop();
  }
});
