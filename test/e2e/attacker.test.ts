/**
 * Against somebody who owns the bus, and against members who want more than they may: nothing that wasn't signed for
 * this node, now, by who may, has an effect. A file on the node counts the effects, the node's counters the attempts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { decode, encode } from '../../shared/codec.ts';
import { createBoxKeys, createSignKeys } from '../../shared/keys.ts';
import { signerFromSeed } from '../../shared/signing.ts';
import { decodeCommand, encodeCommand, type Command } from '../../shared/wire/command.ts';
import { issueCredential } from '../../shared/wire/credential.ts';
import type { SignerIdentity } from '../../shared/wire/envelope.ts';
import { decodeResult } from '../../shared/wire/result.ts';
import { Attacker } from '../support/attacker.ts';
import { connectAs } from '../support/bus-tap.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { issueOperator } from '../support/issue-operator.ts';
import { waitFor } from '../support/wait-for.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

describe('somebody who owns the bus', () => {
  let fleet: EmbeddedFleet;
  let attacker: Attacker;
  let operator: Identity;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: { facts: { role: 'db' } }, db2: { facts: { role: 'db' } }, web1: {} });
    attacker = await Attacker.start(fleet);
    operator = fleet.operator();
  });
  afterAll(async () => {
    await attacker.stop();
    await fleet.stop();
  });

  /** A program that leaves a line for each time that it runs, with the node that it ran on. */
  const effect = (name: string): { args: Record<string, unknown>; script: string; count: () => string[] } => {
    const path = join(fleet.cli.folder, name);
    const script = `echo "\${FLEET_EMBEDDED_NODE##*/}" >>${path}`;
    const count = (): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);
    return { args: { argv: [script], shell: true }, script, count };
  };
  const direct = (node: string): string => `fleet.main.cmd.node.${node}`;

  describe('with a command that it has seen', () => {
    it('runs nothing by sending it again, however often, and gets the same answer', async () => {
      const { script, count } = effect('again');
      const [sent] = await attacker.capture('exec', '--node', 'db1', '--shell', '--', script);
      const recorded = attacker.records.findLast(({ subject }) => subject.endsWith('.db1'))!;
      const heard = attacker.results.length;
      const counted = await attacker.countedBy('db1', 5, async () => {
        for (let at = 0; at < 5; at++) await attacker.send(sent!.subject, sent!.data);
      });
      expect(counted).toEqual({ repeated: 5 });
      expect(count()).toEqual(['db1']);
      await attacker.bus.flush();
      // Live: what is recorded is not recorded twice.
      const subject = recorded.subject.replace('.rec.', '.res.');
      const again = attacker.results.slice(heard).filter((result) => result.subject === subject);
      expect(again.map((result) => Buffer.compare(result.data, recorded.data))).toEqual([0, 0, 0, 0, 0]);
      expect(attacker.records.filter((record) => record.subject === recorded.subject)).toHaveLength(1);
    });

    it('runs nothing by sending it to another node, or another way', async () => {
      const { script, count } = effect('elsewhere');
      const [sent] = await attacker.capture('exec', '--node', 'db1', '--shell', '--', script);
      const counted = await attacker.countedBy('db2', 3, async () => {
        await attacker.send(direct('db2'), sent!.data);
        await attacker.send('fleet.main.cmd.all', sent!.data);
        await attacker.send('fleet.main.cmd.fact.role.db', sent!.data);
      });
      expect(counted).toEqual({ 'not-named': 1, misrouted: 2 });
      expect(count()).toEqual(['db1']);
    });

    it('runs nothing by changing whom it is for, what it does, or where it answers', async () => {
      const { script, count } = effect('changed');
      const [sent] = await attacker.capture('exec', '--node', 'db1', '--shell', '--', script);
      const [version, payload, signatures] = decode(sent!.data) as [number, Uint8Array, unknown[]];
      const command = decodeCommand(payload);
      const changes: Partial<Command>[] = [
        { target: { nodes: ['db2'] } },
        { target: { nodes: ['db2'] }, via: 'all' },
        { target: { nodes: ['db1', 'db2'] } },
        { target: { nodes: ['db2'] }, reply: 'rec' },
        { target: { nodes: ['db2'] }, expires: command.expires + DAY_MS },
        { target: { nodes: ['db2'] }, args: { argv: ['true'] } },
      ];
      const counted = await attacker.countedBy('db2', changes.length, async () => {
        for (const change of changes) {
          const altered = encodeCommand({ ...command, ...change });
          await attacker.send(direct('db2'), encode([version, altered, signatures]));
        }
      });
      expect(counted).toEqual({ 'dropped-bad-signature': changes.length });
      expect(count()).toEqual(['db1']);
    });

    it('gets no answer to a place of its own', async () => {
      const inbox = '_INBOX_attacker.1';
      const stolen: string[] = [];
      attacker.bus.subscribe('_INBOX_attacker.>', { callback: (_error, { subject }) => void stolen.push(subject) });
      const command = attacker.command();
      await attacker.send(direct('db1'), await attacker.sign(command, operator), inbox);
      const subject = `fleet.main.res.operator.${command.job}.db1`;
      await waitFor(() => attacker.results.some((result) => result.subject === subject), { what: 'the answer' });
      await attacker.bus.flush();
      expect(stolen).toEqual([]);
    });
  });

  describe('with an operator as its victim', () => {
    it('runs nothing that was signed for another fleet, of the same name too', async () => {
      const { args, count } = effect('fleet');
      const folder = join(fleet.cli.folder, 'other');
      await fleet.run('init', '--server', fleet.state.server, '--dir', folder, '--operator', 'operator');
      const other = readIdentity(join(folder, 'operator.json'));
      const command = attacker.command({ action: 'exec', args });
      const counted = await attacker.countedBy('db1', 3, async () => {
        await attacker.send(direct('db1'), await attacker.sign(command, other, other.fleetId));
        await attacker.send(direct('db1'), await attacker.sign(command, other));
        // Our operator's signature, made for the other fleet.
        await attacker.send(direct('db1'), await attacker.sign(command, operator, other.fleetId));
      });
      expect(counted).toEqual({ 'dropped-unknown-root': 2, 'dropped-bad-signature': 1 });
      expect(count()).toEqual([]);
    });

    it('runs nothing out of its time, and the node says so, with its own time', async () => {
      const { args, count } = effect('time');
      const now = Date.now();
      const times: [Partial<Command>, string][] = [
        [{ issued: now - 10 * MINUTE_MS, expires: now - 5 * MINUTE_MS, startBy: now - 5 * MINUTE_MS }, 'too-late'],
        [{ issued: now - 2 * MINUTE_MS, expires: now - 1, startBy: now - 1 }, 'too-late'],
        [{ startBy: now - 1 }, 'too-late'],
        [{ issued: now + 5 * MINUTE_MS, expires: now + 6 * MINUTE_MS }, 'clock-skew'],
        [{ expires: now + DAY_MS }, 'lives-too-long'],
      ];
      for (const [change, code] of times) {
        const command = attacker.command({ action: 'exec', args, ...change });
        await attacker.send(direct('db1'), await attacker.sign(command, operator));
        const subject = `fleet.main.res.operator.${command.job}.db1`;
        const answer = await waitFor(() => attacker.results.find((result) => result.subject === subject), {
          what: `a refusal, ${code}`,
        });
        const result = decodeResult((decode(answer.data) as [number, Uint8Array])[1]);
        expect(result).toMatchObject({ kind: 'result', state: 'refused', code, node: 'db1' });
        expect(Math.abs(result.now - Date.now())).toBeLessThan(MINUTE_MS);
      }
      expect(count()).toEqual([]);
    });

    it('runs one of two commands that have the same id', async () => {
      const [first, second] = [effect('first'), effect('second')];
      const command = attacker.command({ action: 'exec', args: first.args });
      const counted = await attacker.countedBy('db1', 2, async () => {
        await attacker.send(direct('db1'), await attacker.sign(command, operator));
        await waitFor(() => first.count().length > 0, { what: 'the first to run' });
        const other = { ...command, job: attacker.command().job, args: second.args };
        await attacker.send(direct('db1'), await attacker.sign(other, operator));
      });
      expect(counted).toEqual({ accepted: 1, 'id-reused': 1 });
      expect([...first.count(), ...second.count()]).toEqual(['db1']);
    });

    it('runs nothing that changes something and names no node, or asks for what the node does not know', async () => {
      const { args, count } = effect('open');
      const open = attacker.command({ action: 'exec', args, target: { where: 'role=db' }, via: 'all' });
      const crit = attacker.command({ action: 'exec', args, crit: ['approval'] });
      const kind = attacker.command({ action: 'exec', args, kind: 'approve' });
      const counted = await attacker.countedBy('db1', 3, async () => {
        await attacker.send('fleet.main.cmd.all', await attacker.sign(open, operator));
        await attacker.send(direct('db1'), await attacker.sign(crit, operator));
        await attacker.send(direct('db1'), await attacker.sign(kind, operator));
      });
      expect(counted).toEqual({ 'refused-invalid-input': 1, 'refused-not-understood': 2 });
      expect(count()).toEqual([]);
    });
  });

  describe('with keys of members', () => {
    it('commands nobody as a node, as the issuer, or as an operator of yesterday', async () => {
      const { args, count } = effect('members');
      const command = (): Command => attacker.command({ action: 'exec', args });
      const yesterday = await issueOperator(fleet, {
        notBefore: Date.now() - 2 * DAY_MS,
        notAfter: Date.now() - DAY_MS,
      });
      const members: [SignerIdentity, string][] = [
        [fleet.identity('db2'), 'dropped-not-a-caller'],
        [fleet.identity('db1'), 'dropped-not-a-caller'],
        [readIdentity(join(fleet.folder, 'issuer.json')), 'dropped-not-a-caller'],
        [readIdentity(yesterday), 'dropped-credential-expired'],
      ];
      const expected: Record<string, number> = {};
      for (const [, code] of members) expected[code] = (expected[code] ?? 0) + 1;
      const counted = await attacker.countedBy('db1', members.length, async () => {
        for (const [member] of members) await attacker.send(direct('db1'), await attacker.sign(command(), member));
      });
      expect(counted).toEqual(expected);
      expect(count()).toEqual([]);
    });

    it('makes nobody an operator: not as a node, not as the issuer of nodes', async () => {
      const { args, count } = effect('made');
      const issuers = [fleet.identity('db2'), readIdentity(join(fleet.folder, 'issuer.json'))];
      const counted = await attacker.countedBy('db1', issuers.length, async () => {
        for (const issuer of issuers) {
          const made = await makeOperator(issuer);
          await attacker.send(direct('db1'), await attacker.sign(attacker.command({ action: 'exec', args }), made));
        }
      });
      expect(counted).toEqual({ 'dropped-beyond-issuer': issuers.length });
      expect(count()).toEqual([]);
    });

    it('can not even send as a node, whose login is for its own subjects', async () => {
      const node = await connectAs(fleet, fleet.identity('db2'));
      const refused: string[] = [];
      void (async () => {
        for await (const status of node.status())
          if (status.permissionContext !== undefined) refused.push(status.permissionContext.subject);
      })();
      const subjects = [direct('db1'), 'fleet.main.cmd.all', 'fleet.main.res.operator.x.db1', 'fleet.main.roster.db2'];
      for (const subject of subjects) node.publish(subject, new Uint8Array(1));
      await waitFor(() => refused.length === subjects.length, { what: 'the bus to refuse all of them' });
      expect(refused).toEqual(subjects);
      await node.close();
    });
  });

  async function makeOperator(issuer: Identity): Promise<SignerIdentity> {
    const [sign, box] = [createSignKeys(), createBoxKeys()];
    const { notBefore, notAfter } = issuer.credential.body;
    const credential = await issueCredential(issuer.fleetId, issuer, {
      serial: '0'.repeat(32),
      kind: 'operator',
      name: 'operator',
      sign: sign.publicKey,
      box: box.publicKey,
      roles: ['operator'],
      limits: {},
      trusted: {},
      notBefore,
      notAfter,
    });
    return { signer: signerFromSeed(sign.secret), credential };
  }
});
