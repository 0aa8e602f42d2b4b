/** The admin who signed the policy is revoked: nothing stops, and it is said what has to be done. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ db1: {}, web1: {} });
});
afterAll(() => fleet?.stop());

it('the policy that they signed holds on, and is to be signed again', async () => {
  const dir = ['--dir', fleet.folder];
  const issued = await fleet.run('ca', 'issue', 'operator', 'ada', '--role', 'admin', '--role', 'operator', ...dir);
  const ada = ['--identity', issued.stdout.trim().split(/\s+/)[1] ?? ''];

  const own = await fleet.run('revoke', 'operator', ...dir);
  expect(own).toMatchObject({
    exit: 2,
    stderr: expect.stringMatching(/who you are here; nothing is revoked\n.*--yes/),
  });
  expect((await fleet.run('ping', '-o', 'names')).exit).toBe(0);

  const revoked = await fleet.run('revoke', 'operator', ...ada, ...dir);
  expect(revoked).toMatchObject({ exit: 0, stderr: expect.stringContaining('2 of 2 nodes know of it') });
  expect(revoked.stderr).toMatch(/The policy was signed by operator\..*NEW ONES DON'T TAKE IT.*fleet policy push/);

  const doctor = await fleet.run('doctor', ...ada);
  expect(doctor).toMatchObject({ exit: 2, stderr: expect.stringMatching(/^First of all: policy: .*revoked/) });

  const shown = await fleet.run('policy', 'show', ...ada);
  expect(shown.exit).toBe(0);
  const pushed = await fleet.cli.runWith({ stdin: shown.stdout }, 'policy', 'push', '-', '--yes', ...ada);
  expect(pushed).toMatchObject({ exit: 0 });
  expect(await fleet.run('doctor', ...ada)).toMatchObject({ exit: 0 });
  expect((await fleet.run('ping', '-o', 'names', ...ada)).stdout).toBe('db1\nweb1\n');
});
