/**
 * What no Fleet program would send: to an agent, which drops and counts it and goes on, and in answer to a command line,
 * which leaves it out and says so.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../controller/report.ts';
import { decode, encode } from '../../shared/codec.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { sha256 } from '../../shared/signing.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { seal, type SignerIdentity } from '../../shared/wire/envelope.ts';
import { encodeResult, type Result } from '../../shared/wire/result.ts';
import { Attacker, type Captured } from '../support/attacker.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { waitFor } from '../support/wait-for.ts';

const MIB = 1024 * 1024;
/** What the agent's memory may be after 250 MiB of messages: what it needs for one, and what is not collected yet. */
const MEMORY = 256 * MIB;
const DIRECT = 'fleet.main.cmd.node.db1';

describe('a hostile message', () => {
  let fleet: EmbeddedFleet;
  let attacker: Attacker;
  let operator: Identity;
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ db1: {}, db2: {} });
    attacker = await Attacker.start(fleet);
    operator = fleet.operator();
  });
  afterAll(async () => {
    process.kill(fleet.node('db2').pid, 'SIGCONT');
    await attacker.stop();
    await fleet.stop();
  });

  const residentBytes = (): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${fleet.node('db1').pid}/status`, 'utf8'))?.[1]) * 1024;

  it('is dropped and counted, whatever it is made of, and the agent answers the next', async () => {
    const [sent] = await attacker.capture('exec', '--node', 'db1', '--', 'true');
    const good = sent!.data;
    const [, payload, [[, credential, signature]]] = decode(good) as [
      number,
      Uint8Array,
      [[string, Uint8Array, Uint8Array]],
    ];
    const signed = (text: unknown): Promise<Uint8Array> =>
      seal('command', operator.fleetId, operator, text instanceof Uint8Array ? text : encode(text), {
        inlineCredential: true,
      });
    const command = attacker.command({ target: { nodes: ['db1'] } });
    const cut = Array.from({ length: 20 }, (_, at) => good.subarray(0, Math.floor((good.length * at) / 20)));
    const flipped = Array.from({ length: 20 }, (_, at) => {
      const bytes = Uint8Array.from(good);
      bytes[Math.floor((bytes.length * at) / 20)]! ^= 0xff;
      return bytes;
    });
    const messages = [
      ...cut,
      ...flipped,
      ...Array.from({ length: 20 }, (_, at) => new Uint8Array(randomBytes(1 + at * 50))),
      new Uint8Array(randomBytes(MIB - 1024)),
      new Uint8Array(MIB - 1024),
      // Nested arrays and maps, arrays and text that say they are long, extensions, keys that are no text.
      new Uint8Array(100_000).fill(0x91),
      new Uint8Array(100_000).fill(0x81),
      Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0xd4, 0x72, 0x40, 0x93, 0xa1, 0x61),
      Uint8Array.of(0x81, 0x01, 0x02),
      encode({ __proto__: { version: 1 } }),
      encode([2, payload, [['ed25519', credential, signature]]]),
      encode([1, payload, []]),
      encode([1, payload, Array.from({ length: 5 }, () => ['ed25519', credential, signature])]),
      encode([1, payload, [['none', credential, signature]]]),
      encode([1, payload, [['x25519-hmac', credential, signature]]]),
      encode([1, payload, [['ed25519', sha256(credential), signature.subarray(1)]]]),
      encode([1, payload, [['ed25519', new Uint8Array(32), signature]]]),
      encode([1, 'text', [['ed25519', credential, signature]]]),
      encode({ ...[1, payload] }),
      // Signed by an operator, and still nonsense.
      await signed(new Uint8Array(0)),
      await signed(new Uint8Array(1_000).fill(0x91)),
      await signed('text'),
      await signed({}),
      await signed({ ...command, id: 'short' }),
      await signed({ ...command, issued: -1 }),
      await signed({ ...command, issued: 1.5 }),
      await signed({ ...command, expires: '2100' }),
      await signed({ ...command, target: { nodes: [] } }),
      await signed({ ...command, target: { nodes: Array.from({ length: 33 }, () => 'db1') } }),
      await signed({ ...command, target: { nodes: ['db1'], all: true } }),
      await signed({ ...command, job: '../../x' }),
      await signed({ ...command, via: 'elsewhere' }),
      await signed({ ...command, kind: 'root' }),
      await signed({ ...command, args: [] }),
    ];
    const counted = await attacker.countedBy('db1', messages.length, async () => {
      for (const message of messages) await attacker.send(DIRECT, message);
    });
    const total = Object.values(counted).reduce((sum, count) => sum + count, 0);
    expect(total).toBe(messages.length);
    // A bit that turned in the signature of a credential that has been verified before is none that counts.
    expect(Object.keys(counted).filter((name) => !/^(dropped-.*|repeated)$/.test(name))).toEqual([]);
    expect(counted).not.toHaveProperty('dropped-internal');
    expect(await fleet.report('ping')).toMatchObject({ exit: 0, states: { ok: 2 } });
  });

  it('signed by an operator can ask for nothing but what the action takes', async () => {
    const raw = (args: string): unknown => JSON.parse(args);
    const args = ['{"__proto__":{"paths":["name"]}}', '{"constructor":1}', '{"paths":[1]}', '{"paths":["a..b"]}'];
    const counted = await attacker.countedBy('db1', args.length, async () => {
      for (const text of args) {
        const command = attacker.command({ action: 'facts.get', args: raw(text) as Record<string, unknown> });
        await attacker.send(DIRECT, await attacker.sign(command, operator));
      }
    });
    expect(counted).toEqual({ 'refused-invalid-input': 3, accepted: 1 });
    const command = attacker.command({ action: '__proto__' });
    const unknown = await attacker.countedBy('db1', 1, async () => {
      await attacker.send(DIRECT, await attacker.sign(command, operator));
    });
    expect(unknown).toEqual({ 'refused-no-such-action': 1 });
  });

  it('in any number costs no memory', async () => {
    const [sent] = await attacker.capture('ping', '--node', 'db1');
    const broken = Uint8Array.from(sent!.data);
    broken[broken.length - 1]! ^= 1;
    const bomb = encode(Array.from({ length: 150_000 }, () => ({})));
    const ROUNDS = 250;
    const counted = await attacker.countedBy('db1', 5 * ROUNDS, async () => {
      for (let at = 0; at < ROUNDS; at++) {
        await attacker.send(DIRECT, new Uint8Array(randomBytes(MIB - 1024)));
        for (let repeat = 0; repeat < 3; repeat++) attacker.bus.publish(DIRECT, broken);
        attacker.bus.publish(DIRECT, at % 10 === 0 ? bomb : broken);
      }
    });
    const dropped = Object.entries(counted).filter(([name]) => name.startsWith('dropped-'));
    expect(dropped.reduce((sum, [, count]) => sum + count, 0)).toBe(5 * ROUNDS);
    expect(residentBytes()).toBeLessThan(MEMORY);
    expect(await fleet.report('ping', '--node', 'db1')).toMatchObject({ exit: 0 });
  });

  it('in the name of another node is no answer of it, and is said', async () => {
    // What db2 answered to an earlier command.
    await attacker.capture('ping', '--node', 'db2');
    const old = attacker.results.findLast(({ subject }) => subject.endsWith('.db2'))!;
    const folder = join(fleet.cli.folder, 'other');
    await fleet.run('init', '--server', fleet.state.server, '--dir', folder, '--operator', 'operator');
    const stranger = readIdentity(join(folder, 'operator.json'));

    process.kill(fleet.node('db2').pid, 'SIGSTOP');
    const seen = attacker.commands.length;
    const cli = await fleet.cli.start(['exec', '--all', '--ack-timeout', '2s', '-o', 'json', '--', 'true']);
    const command = await waitFor(() => attacker.commands.slice(seen).find(({ subject }) => subject.endsWith('.db2')), {
      what: 'the command to be sent',
    });
    const forged = await forgeriesOf(command, { old, stranger });
    for (const [subject, data] of forged) await attacker.send(subject, data);
    await cli.ended;
    const report = JSON.parse(cli.stdout()) as Report;
    expect(report).toMatchObject({
      exit: 3,
      expected: 2,
      states: { ok: 1, unreachable: 1 },
      nodes: [
        { node: 'db1', state: 'ok' },
        {
          node: 'db2',
          state: 'unreachable',
          reason: expect.stringMatching(/^no answer within 2 s, asked twice/) as string,
          data: null,
        },
      ],
    });
    expect(cli.stderr()).toContain(`${forged.length} answers were not what they said`);
  });

  async function forgeriesOf(
    { data }: Captured,
    { old, stranger }: { old: Captured; stranger: Identity },
  ): Promise<[string, Uint8Array][]> {
    const [, payload] = decode(data) as [number, Uint8Array];
    const { id, job } = decodeCommand(payload);
    const subject = (node: string): string => `fleet.main.res.operator.${job}.${node}`;
    const result = (node: string, changes: Partial<Result> = {}): Uint8Array =>
      encodeResult({
        id,
        job,
        command: sha256(payload),
        node,
        seq: 0,
        now: Date.now(),
        kind: 'result',
        state: 'ok',
        data: { exit: 0, signal: null, stdout: 'forged', stderr: '', truncated: null },
        ...changes,
      });
    const sign = (text: Uint8Array, by: SignerIdentity, inlineCredential = true): Promise<Uint8Array> =>
      seal('result', operator.fleetId, by, text, { inlineCredential });
    const [db1, db2] = [fleet.identity('db1'), fleet.identity('db2')];
    return [
      [subject('db2'), await sign(result('db2'), db1)],
      [subject('db2'), await sign(result('db2'), db1, false)],
      [subject('db2'), await sign(result('db1'), db1)],
      [subject('db2'), await sign(result('db2'), operator)],
      [subject('db2'), await sign(result('db2'), stranger)],
      // Its own signature, about something else.
      [subject('db2'), old.data],
      [subject('db2'), await sign(result('db2', { command: new Uint8Array(32) }), db2)],
      [subject('db2'), await sign(result('db2', { job: 'another' }), db2)],
      [subject('db1'), await sign(result('db2'), db2)],
      [subject('nobody'), await sign(result('db2'), db2)],
      [subject('db2'), await seal('command', operator.fleetId, db2, result('db2'), { inlineCredential: true })],
      [subject('db2'), new Uint8Array(randomBytes(1_000))],
      [subject('db2'), new Uint8Array(0)],
      [subject('db2'), new Uint8Array(100_000).fill(0x91)],
    ];
  }
});
