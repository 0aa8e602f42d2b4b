/**
 * The two-person rule, by two people at two command lines; and what somebody with stolen keys and the bus makes of it:
 * no second signature counts that isn't another operator's, of the right role, on this very command, in time.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { signerFromSeed } from '../../shared/signing.ts';
import { TrustStore } from '../../shared/trust.ts';
import type { Command } from '../../shared/wire/command.ts';
import { issueCredential } from '../../shared/wire/credential.ts';
import { addApproval, approve, open, type SignerIdentity } from '../../shared/wire/envelope.ts';
import { Attacker } from '../support/attacker.ts';
import type { Child } from '../support/child-process.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import type { CliResult } from '../support/fleet-cli.ts';
import { waitFor } from '../support/wait-for.ts';

const WAITING = /waiting for a second operator: fleet approve (\w+) \(4:5\d left\)/;

describe('a command that two have to sign', () => {
  let fleet: EmbeddedFleet;
  const people = new Map<string, string>();
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, web1: { facts: { role: 'web' } } });
    for (const [name, role] of [
      ['alice', 'deployer'],
      ['bob', 'deployer'],
      ['eve', 'reader'],
    ] as const) {
      await succeed('ca', 'issue', 'operator', name, '--role', role, '--dir', fleet.folder);
      people.set(name, join(fleet.folder, `${name}.json`));
    }
    const rule = { name: 'restarts by two', actions: ['exec'], args: 'argv.0=true', approvals: { count: 1 } };
    const quick = { actions: ['task.list'], approvals: { count: 1, within: '1m' } };
    const policy = {
      version: 1,
      roles: {
        '*': { allow: [{ actions: ['ping', 'inventory'] }] },
        deployer: { allow: [rule, quick], deny: [{ actions: ['exec'], where: 'role=web' }] },
      },
    };
    const file = join(fleet.cli.folder, 'policy.yaml');
    writeFileSync(file, JSON.stringify(policy));
    await succeed('policy', 'push', file, '--yes');
  });
  afterAll(() => fleet.stop());

  async function succeed(...args: string[]): Promise<void> {
    const { exit, stderr } = await fleet.run(...args);
    if (exit !== 0) throw new Error(stderr);
  }
  const as = (name: string): string[] => ['--identity', people.get(name) ?? ''];
  const run = (name: string, ...args: string[]): Promise<CliResult> => fleet.run(...as(name), ...args);
  const identity = (name: string): Identity => readIdentity(people.get(name) ?? '');

  /** Starts it, and waits until it says what it waits for. */
  async function ask(name: string, ...args: string[]): Promise<{ child: Child; job: string }> {
    const child = await fleet.cli.start([...as(name), ...args]);
    const job = await waitFor(() => WAITING.exec(child.stderr())?.[1], { what: 'the command to say that it waits' });
    return { child, job };
  }

  it('is refused with one signature, and says what to do', async () => {
    const { exit, stdout } = await run('alice', 'exec', '--node', 'db1', '-o', 'json', '--', 'true');
    expect(exit).toBe(7);
    expect((JSON.parse(stdout) as Report).nodes[0]).toMatchObject({
      code: 'needs-approval',
      reason: expect.stringMatching(/1 more signature, by deployer.*rule "restarts by two".*--with-approval/) as string,
    });
  });

  it('runs once another operator has seen it and signed it', async () => {
    const { child, job } = await ask('alice', 'exec', '--all', '--with-approval', '-o', 'json', '--', 'true');
    const list = await run('bob', 'approve');
    expect(list.stdout).toMatch(new RegExp(`${job} +alice +4:\\d\\d +the action exec on 2 nodes`));

    const unasked = await run('bob', 'approve', job);
    expect([unasked.exit, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect(unasked.stderr).toMatch(/asked for by alice \(deployer; serial [0-9a-f]{32}\)/);
    expect(unasked.stderr).toContain('Runs the action exec on 2 nodes:\n  db1,web1\nwith\n  argv:\n    - "true"\n');

    const signed = await run('bob', 'approve', job, '--yes');
    expect([signed.exit, signed.stderr]).toEqual([0, expect.stringContaining('Signed. alice hears of it')]);
    expect((await child.ended).code).toBe(3);
    const report = JSON.parse(child.stdout()) as Report;
    expect(report.job).toBe(job);
    // The signature of another is not worth more than the conditions beside it.
    expect(report.nodes.map(({ node, state, code }) => [node, code ?? state])).toEqual([
      ['db1', 'ok'],
      ['web1', 'not-authorized'],
    ]);
    expect(child.stderr()).toContain('bob has signed it');
    const { records } = await fleet.cli.json<{ records: { writer: string; details: unknown }[] }>(
      'audit', 'search', '--event', 'approve', '--job', job,
    ); // prettier-ignore
    expect(records).toMatchObject([{ writer: 'bob', details: { askedBy: 'alice' } }]);
    expect((await run('bob', 'audit', 'show', job)).stdout).toContain('alice asked for exec');
    expect((await run('bob', 'approve', 'nothing')).exit).toBe(2);
  });

  it('runs in batches by what was signed for all of it beforehand', async () => {
    const batch = ['--canary', '1', '--batch', '1', '--batch-pause', '10ms'];
    const { child, job } = await ask(
      'alice',
      'exec',
      '--all',
      '--with-approval',
      ...batch,
      '-o',
      'ndjson',
      '--',
      'true',
    );
    expect((await run('bob', 'approve', job, '--yes')).exit).toBe(0);
    expect((await child.ended).code).toBe(3);
    const lines = child.stdout().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { node: 'db1', state: 'ok' },
      { node: 'web1', code: 'not-authorized' },
      { type: 'summary', batch: { window: 1, canaries: 1, stopped: null } },
    ]);
  });

  it('does not run for a signature of who lacks the role, nor for one of who asked', async () => {
    const { child, job } = await ask('alice', 'exec', '--node', 'db1', '--with-approval', '--', 'true');
    const own = await run('alice', 'approve', job, '--yes');
    expect([own.exit, own.stderr]).toEqual([2, expect.stringContaining('you asked for job')]);
    const uncounted = await run('eve', 'approve', job, '--yes');
    expect([uncounted.exit, uncounted.stderr]).toEqual([
      2,
      expect.stringContaining('eve has not the role that the policy asks for: deployer'),
    ]);
    expect((await run('bob', 'approve', job, '--yes')).exit).toBe(0);
    expect((await child.ended).code).toBe(0);
    expect(child.stderr()).not.toContain('eve has signed');
  });

  it('is not sent when the person gives up', async () => {
    const { child } = await ask('alice', 'exec', '--node', 'db1', '--with-approval', '--', 'true');
    child.kill('SIGINT');
    expect((await child.ended).code).toBe(130);
    expect(child.stderr()).toContain('nothing was sent');
  });

  describe('on a bus that belongs to somebody else, with every key but the right one', () => {
    let attacker: Attacker;
    beforeAll(async () => {
      attacker = await Attacker.start(fleet);
    });
    afterAll(() => attacker.stop());

    const exec = (changes: Partial<Command> = {}): Command =>
      attacker.command({ action: 'exec', args: { argv: ['true'] }, ...changes });
    /** What the node says to alice's command with these signatures under it. */
    async function verdictOf(
      command: Command,
      approvers: readonly SignerIdentity[],
      approved = command,
    ): Promise<string> {
      const { fleetId, roots } = identity('alice');
      const trust = new TrustStore({ fleetId, roots }, { clock: { now: () => Date.now(), monotonic: () => 0 } });
      let message = await attacker.sign(command, identity('alice'));
      const opened = open('command', fleetId, await attacker.sign(approved, identity('alice')), trust);
      for (const approver of approvers) {
        const approval = await approve(fleetId, approver, opened);
        try {
          message = addApproval(fleetId, message, approval, trust);
        } catch {
          // What doesn't hold isn't put together by this program: a thief's would.
          return 'does not hold';
        }
      }
      const counted = await attacker.countedBy('db1', 1, () => attacker.send('fleet.main.cmd.node.db1', message));
      return Object.keys(counted).join();
    }
    /** Another credential from the root, for keys that somebody has already. */
    async function issued(name: string, by: Identity, roles = ['deployer']): Promise<SignerIdentity> {
      const seed = (JSON.parse(readFileSync(join(fleet.folder, 'root.json'), 'utf8')) as { seed: string }).seed;
      const signer = signerFromSeed(new Uint8Array(Buffer.from(seed, 'base64')));
      const { issuer: _, ...body } = by.credential.body;
      const serial = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
      return {
        signer: by.signer,
        credential: await issueCredential(by.fleetId, { signer }, { ...body, name, roles, serial }),
      };
    }

    it('runs with the signature of another operator of the role', async () => {
      expect(await verdictOf(exec(), [identity('bob')])).toBe('accepted');
    });

    it.each<[string, () => Promise<readonly SignerIdentity[]>]>([
      ['nobody else', () => Promise.resolve([])],
      ['the caller', () => Promise.resolve([identity('alice')])],
      ['the caller under another name', async () => [await issued('ally', identity('alice'))]],
      ['another key under the name of the caller', async () => [await issued('alice', identity('bob'))]],
      ['an operator without the role', () => Promise.resolve([identity('eve')])],
      ['a node', () => Promise.resolve([fleet.identity('web1')])],
    ])('does not run with the signature of %s', async (_who, approvers) => {
      expect(await verdictOf(exec(), await approvers())).toBe('refused-needs-approval');
    });

    it('does not run with a signature of another command', async () => {
      expect(await verdictOf(exec(), [identity('bob')], exec())).toBe('does not hold');
    });

    it('does not run with a signature that is stale', async () => {
      const [now, ps] = [Date.now(), { action: 'task.list', args: {} }];
      expect(
        await verdictOf(attacker.command({ ...ps, issued: now - 30_000, expires: now + 60_000 }), [identity('bob')]),
      ).toBe('accepted');
      // The command itself would hold for minutes yet.
      const old = attacker.command({ ...ps, issued: now - 61_000, expires: now + 120_000, startBy: now + 120_000 });
      expect(await verdictOf(old, [identity('bob')])).toBe('refused-needs-approval');
    });
  });
});
