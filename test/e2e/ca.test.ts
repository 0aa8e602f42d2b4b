/** What the owner of a fleet does with credentials, at the command line: limits, lists, revocation, rotation. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import type { CliResult } from '../support/fleet-cli.ts';

interface Listed {
  readonly name: string;
  readonly kind: string;
  readonly serial: string;
  readonly state: string;
  readonly limits?: unknown;
}

let fleet: EmbeddedFleet;
beforeAll(async () => {
  fleet = await startEmbeddedFleet({
    db1: { facts: { role: 'db' }, trusted: { role: 'db' } },
    web1: { facts: { role: 'web' }, trusted: { role: 'web' } },
  });
});
afterAll(async () => {
  await fleet?.stop();
});

const owner = (...args: string[]): Promise<CliResult> => fleet.run(...args, '--dir', fleet.folder);
const done = async (...args: string[]): Promise<CliResult> => {
  const result = await owner(...args);
  expect(result).toMatchObject({ exit: 0 });
  return result;
};
const listed = async (): Promise<Listed[]> =>
  (await fleet.cli.json<{ credentials: Listed[] }>('ca', 'list', '--dir', fleet.folder)).credentials;
/** As another operator, whose file is in the folder. */
const as = (name: string, ...args: string[]): Promise<CliResult> =>
  fleet.run('--server', fleet.state.server, '--identity', join(fleet.folder, `${name}.json`), ...caOf(), ...args);
const caOf = (): string[] => {
  const context = JSON.parse(readFileSync(join(fleet.folder, 'context.yaml'), 'utf8')) as { tls?: { caFile?: string } };
  return context.tls?.caFile === undefined ? [] : ['--ca-file', join(fleet.folder, context.tls.caFile)];
};
const pinged = async (): Promise<string[]> => {
  const { nodes } = await fleet.report('ping', '--ack-timeout', '6s');
  return nodes.map(({ node, state }) => `${node} ${state}`).toSorted();
};

describe('an operator', () => {
  it('may be for some actions and some nodes alone, and stays so when it is renewed', async () => {
    await done(
      'ca',
      'issue',
      'operator',
      'ci',
      '--role',
      'operator',
      '--action',
      'ping',
      '--where',
      'trusted.role=web',
    );
    for (const turn of ['issued', 'renewed']) {
      if (turn === 'renewed') await done('ca', 'renew', 'operator', 'ci');
      expect(await as('ci', 'ping', '--node', 'web1')).toMatchObject({ exit: 0 });
      const elsewhere = await as('ci', 'ping', '--node', 'db1');
      expect(elsewhere).toMatchObject({ exit: 7, stderr: expect.stringContaining('other nodes') as string });
      const other = await as('ci', 'exec', '--node', 'web1', '--', 'true');
      expect(other).toMatchObject({ exit: 7, stderr: expect.stringContaining('other actions') as string });
    }
    await done('ca', 'renew', 'operator', 'ci', '--no-limits');
    expect(await as('ci', 'exec', '--all', '--', 'true')).toMatchObject({ exit: 0 });
  });

  it('is not issued for what is no action, or for an expression that is none', async () => {
    const issue = ['ca', 'issue', 'operator', 'x', '--role', 'operator'];
    expect(await owner(...issue, '--action', 'ping;')).toMatchObject({ exit: 2 });
    expect(await owner(...issue, '--where', 'role=')).toMatchObject({ exit: 2 });
    expect((await listed()).some(({ name }) => name === 'x')).toBe(false);
  });

  it('that is revoked is listed so, shut out, and said to be known by all nodes', async () => {
    await done('ca', 'issue', 'operator', 'bob', '--role', 'operator');
    const result = await owner('revoke', 'bob', '--reason', 'laptop stolen');
    expect(result).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/bob +operator +[0-9a-f]{32} +laptop stolen/) as string,
    });
    expect(result.stderr).toContain('2 of 2 nodes know of it');
    expect(result.stderr).toContain('fleet ca issue operator bob');
    const bob = (await listed()).find(({ name }) => name === 'bob');
    expect(bob).toMatchObject({ kind: 'operator', state: 'revoked', reason: 'laptop stolen' });
    expect(await as('bob', 'ping')).toMatchObject({ exit: 5 });
    expect(await owner('revoke', 'nobody')).toMatchObject({ exit: 2 });
    expect(await owner('revoke', 'bob', '--reason', 'x'.repeat(200))).toMatchObject({ exit: 2 });
  });

  it('is revoked also while a node is away, which is named, and knows when it is back', async () => {
    await done('ca', 'issue', 'operator', 'carol', '--role', 'operator');
    await fleet.endAgent('db1');
    const result = await owner('ca', 'revoke', 'carol', '-o', 'json');
    expect(result.exit).toBe(3);
    const { nodes } = JSON.parse(result.stdout) as { nodes: { have: string[]; missing: { node: string }[] } };
    expect([nodes.have, nodes.missing.map(({ node }) => node)]).toEqual([['web1'], ['db1']]);
    await fleet.restartAgent('db1');
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
  });
});

describe('a rotation', () => {
  it('of the issuer, and the end of the old one, interrupts nobody', async () => {
    expect(await owner('revoke', 'issuer')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('fleet ca rotate issuer') as string,
    });
    const { stderr, stdout } = await done('ca', 'rotate', 'issuer');
    expect(stdout).toContain('The issuer is issuer-2. 2 nodes got a credential from it.');
    expect(stderr).toContain('fleet revoke issuer');
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
    await done('revoke', 'issuer');
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
    const states = (await listed())
      .filter(({ kind }) => kind === 'issuer')
      .map(({ name, state }) => `${name} ${state}`);
    expect(states).toEqual(['issuer-2 valid', 'issuer revoked']);
  });

  it('of credentials that end soon needs no visit', async () => {
    expect((await done('ca', 'renew', 'node', '--expiring', '1')).stdout).toBe('');
    const { stdout } = await done('ca', 'renew', 'node', '--expiring', '400');
    expect(stdout.trim().split('\n').toSorted()).toEqual(['db1', 'web1']);
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
    expect(await owner('ca', 'renew', 'node')).toMatchObject({ exit: 2 });
    expect(await owner('ca', 'renew', 'node', 'db9', '--keep-keys')).toMatchObject({ exit: 2 });
  });

  it('of the root is asked to be finished, and then is', async () => {
    expect(await owner('ca', 'rotate', 'root', '--finish')).toMatchObject({ exit: 2 });
    const { stderr, stdout } = await done('ca', 'rotate', 'root');
    expect(stdout).toContain('Both hold.');
    expect(stderr).toContain('fleet ca rotate root --finish');
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
    expect(await owner('ca', 'rotate', 'root', '--finish')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('--yes') as string,
    });
    await done('ca', 'rotate', 'root', '--finish', '--yes');
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
    await fleet.restartAgent('db1');
    expect(await pinged()).toEqual(['db1 ok', 'web1 ok']);
    expect(await as('ci', 'ping')).toMatchObject({ exit: 0 });
  });

  it('of the root leaves believable what was written before it', async () => {
    const { writers } = await fleet.cli.json<{ writers: { writer: string; holds: boolean }[] }>('audit', 'verify');
    expect(writers.map(({ writer }) => writer)).toEqual(expect.arrayContaining(['db1', 'web1', 'ci']));
    expect(writers.filter(({ holds }) => !holds)).toEqual([]);
    const files = join(fleet.node('db1').folder, 'state', 'audit');
    expect(await fleet.run('audit', 'verify', '--file', files)).toMatchObject({ exit: 0 });
  });

  it('and all the others are in the audit trail of the issuer', async () => {
    const { records } = await fleet.cli.json<{ records: { event: string; details: { kind?: string; name?: string } }[] }>(
      'audit', 'search', '--since', '1h', '--event', 'issue', '--event', 'revoke', '--event', 'roots',
    ); // prettier-ignore
    const told = records.map(({ event, details: { kind = '', name = '' } }) => `${event} ${kind} ${name}`.trim());
    for (const expected of [
      'issue operator ci',
      'revoke operator ci',
      'issue issuer issuer-2',
      'issue node db1',
      'roots',
    ])
      expect(told).toContain(expected);
  });

  it('does not keep old keys good when they are given up later', async () => {
    const old = join(fleet.cli.folder, 'old-ci.json');
    copyFileSync(join(fleet.folder, 'ci.json'), old);
    await done('ca', 'renew', 'operator', 'ci');
    const lost = (await listed()).filter(({ name, state }) => name === 'ci' && state !== 'revoked');
    expect(lost).toHaveLength(1);
    expect(await fleet.run('--server', fleet.state.server, '--identity', old, ...caOf(), 'ping')).toMatchObject({
      exit: 5,
    });
  });
});
