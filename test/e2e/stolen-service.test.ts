/** Whoever got hold of a service's identity: it hears much, and has nodes do nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';

let fleet: EmbeddedFleet;
let identity: string;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, web1: {} });
  await fleet.run('ca', 'issue', 'service', 'controller1', '--dir', fleet.folder);
  identity = join(fleet.folder, 'controller1.json');
});
afterAll(() => fleet?.stop());

describe("a stolen service's identity", () => {
  it.each([
    ['changes something', ['exec', '--all', '--no-record', '--', 'touch', 'was-here']],
    ['ends processes', ['kill', 'anything', '--all', '--no-record']],
    ['reads facts', ['facts', 'role']],
    ['reads files', ['logs', '/var/log/dpkg.log']],
    ['lists processes', ['ps']],
  ])('has no node do anything: a command that %s is refused by all', async (_what, args) => {
    const report = await fleet.report('--identity', identity, ...args);
    expect(report).toMatchObject({ exit: 7, states: { refused: 2 } });
    for (const { code } of report.nodes) expect(code).toBe('not-authorized');
  });

  it('hears who is there, as it is for, and no more', async () => {
    expect(await fleet.report('--identity', identity, 'ping')).toMatchObject({ exit: 0, states: { ok: 2 } });
  });

  it('makes no operator, node or policy: it is no issuer and no admin', async () => {
    const policy = join(fleet.folder, 'policy.yaml');
    const before = readFileSync(policy, 'utf8');
    const pushed = await fleet.run('--identity', identity, 'policy', 'push', policy, '--yes');
    expect(pushed.exit).not.toBe(0);
    expect(readFileSync(policy, 'utf8')).toBe(before);
    expect(await fleet.report('exec', '--all', '--', 'true')).toMatchObject({ exit: 0, states: { ok: 2 } });
  });

  it('is shut out when it is revoked', async () => {
    expect((await fleet.run('revoke', 'controller1', '--yes', '--dir', fleet.folder)).exit).toBe(0);
    const refused = await fleet.run('--identity', identity, 'ping');
    expect(refused.exit).not.toBe(0);
    expect(refused.stderr).toMatch(/revoked|refuses the login/);
  });
});
