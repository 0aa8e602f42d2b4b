/** An operator whose signing key never is in a file of ours. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { startSshAgent } from '../support/ssh-agent.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ db1: {} });
});
afterAll(() => fleet?.stop());

it('commands with the key in the agent, and not without it', async () => {
  await using agent = await startSshAgent(temporaryFolder());
  const issued = await fleet.run(
    'ca',
    'issue',
    'operator',
    'eve',
    '--role',
    'operator',
    '--sign-key',
    agent.publicKeyFile,
    '--dir',
    fleet.folder,
  );
  expect(issued.exit).toBe(0);
  const path = issued.stdout.trim().split(/\s+/)[1] ?? '';
  expect(readFileSync(path, 'utf8')).not.toContain('signSeed');

  const ping = (env: Record<string, string>) => fleet.cli.runWith({ env }, 'ping', '--identity', path, '-o', 'names');
  expect(await ping({ SSH_AUTH_SOCK: agent.socket })).toMatchObject({ exit: 0, stdout: 'db1\n' });
  const without = await ping({});
  expect(without.exit).toBe(2);
  expect(without.stderr).toMatch(/held by an ssh-agent, and SSH_AUTH_SOCK is not set\n.*ssh-add/);
});
