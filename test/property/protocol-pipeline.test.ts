/**
 * Whatever arrives at a node: it never throws, never runs what wasn't signed for it, answers nobody who hasn't proved who
 * they are, counts under names of its own, and takes right messages as before.
 */
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyCommand } from '../../agent/verify.ts';
import { Receiver } from '../../controller/receive.ts';
import { encode } from '../../shared/codec.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { encodeCommand, type Command } from '../../shared/wire/command.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { bytesFrom } from '../support/keys.ts';
import { NOW } from '../support/manual-clock.ts';
import { NodePipeline } from '../support/node-pipeline.ts';
import { codeOf } from '../support/refusal.ts';

const fleet = new FleetMaterial();
const folder = mkdtempSync(join(tmpdir(), 'fleet-fuzz-'));
let node: NodePipeline;
let alice: Member;
let right: Uint8Array;

beforeAll(async () => {
  node = await NodePipeline.start({ fleet, folder });
  alice = await fleet.operator('alice');
  // Not delivered itself, so that each mutation of it would be the first to run.
  right = await fleet.sealCommand(fleet.command('never', { action: 'touch' }), alice);
});
afterAll(async () => {
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

let sent = 0;
/** The node still does what it is there for. */
async function expectWorking(): Promise<void> {
  const runs = node.ran.length;
  const command = fleet.command('working', { id: bytesFrom(`working ${sent++}`, 16) });
  expect(await node.send(alice, command)).toMatchObject([{ state: 'ok' }]);
  expect(node.ran).toHaveLength(runs + 1);
}

/** Delivers what must have no effect and get no answer. */
async function expectDropped(data: Uint8Array, subject?: string): Promise<void> {
  const [runs, answers] = [node.ran.length, node.bus.published.length];
  await node.deliver(data, subject);
  expect([node.ran.length, node.bus.published.length]).toEqual([runs, answers]);
}

function expectBoundedCounters(): void {
  const names = Object.keys(node.counters.toObject());
  expect(names.length).toBeLessThan(40);
  expect(names.filter((name) => !/^[a-z-]+$/.test(name))).toEqual([]);
}

function turn(data: Uint8Array, bit: number): Uint8Array {
  const turned = Uint8Array.from(data);
  turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return turned;
}

const subjects = fc.constantFrom(
  undefined,
  'fleet.main.cmd.all',
  'fleet.main.cmd.node.db2',
  'fleet.main.cmd.fact.role.db',
  'fleet.other.cmd.node.db1',
  '',
);

describe('a node', () => {
  it('drops bytes from anywhere', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 4_096 }), subjects, expectDropped), { numRuns: 1_000 });
    await expectWorking();
    expectBoundedCounters();
  });

  it('drops MessagePack of any shape', async () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(new Uint8Array(32), new Uint8Array(64)));
    const signature = fc.tuple(fc.constantFrom('ed25519', 'x25519-hmac', 'none'), bytes, bytes);
    const frame = fc.tuple(fc.constantFrom(1, 2, '1'), bytes, fc.array(signature, { maxLength: 6 }));
    const anything = fc.oneof(fc.jsonValue(), frame, fc.dictionary(fc.string(), fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(anything, (value) => expectDropped(encode(value))),
      { numRuns: 1_000 },
    );
    await expectWorking();
    expectBoundedCounters();
  });

  it('drops a right message that was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: right.length - 1 }), (length) => expectDropped(right.subarray(0, length))),
      { numRuns: 300 },
    );
    await expectWorking();
  });

  it('drops a right message with a turned bit, wherever it is, from someone it has not met', () => {
    fc.assert(
      fc.property(fc.nat({ max: 8 * right.length - 1 }), (bit) => {
        const verify = (): unknown => verifyCommand({ subject: '', data: turn(right, bit) }, fleet.trust(node.clock));
        expect(codeOf(verify)).not.toBe('accepted');
      }),
      { numRuns: 500 },
    );
  });

  it('takes a turned bit, if at all, for what was signed: in the signature of a credential that it knows', async () => {
    const command = fleet.command('turned', { action: 'touch' });
    const data = await fleet.sealCommand(command, alice);
    const { issuer, signature } = alice.credential;
    expect(issuer).toBeUndefined();
    const begin = Buffer.from(data).indexOf(Buffer.from(signature));
    await node.deliver(data);
    const runs = node.ran.length;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 8 * data.length - 1 }), async (bit) => {
        const answers = node.bus.published.length;
        await node.deliver(turn(data, bit));
        expect(node.ran).toHaveLength(runs);
        const isSpare = bit >> 3 >= begin && bit >> 3 < begin + signature.length;
        expect(node.bus.published).toHaveLength(isSpare ? answers + 1 : answers);
      }),
      { numRuns: 500 },
    );
    await expectWorking();
    expectBoundedCounters();
  });

  it('drops a right message on every subject but its own', async () => {
    const others = fc
      .array(fc.constantFrom('fleet', 'main', 'cmd', 'node', 'db1', 'all', 'db2', '*', '>'), { maxLength: 6 })
      .map((tokens) => tokens.join('.'))
      .filter((subject) => subject !== 'fleet.main.cmd.node.db1');
    await fc.assert(
      fc.asyncProperty(others, (subject) => expectDropped(right, subject)),
      { numRuns: 200 },
    );
  });

  it.each([
    ['nested without end', Buffer.alloc(LIMITS.envelopeBytes, 0x91)],
    ['of maps in maps', Buffer.from('81a161'.repeat(LIMITS.envelopeBytes / 4), 'hex')],
    ['as large as may be', Buffer.alloc(LIMITS.envelopeBytes)],
    ['larger than may be', Buffer.alloc(8 * LIMITS.envelopeBytes, 0xc0)],
    ['of a million empty maps', Buffer.concat([Buffer.from('dd000ffff0', 'hex'), Buffer.alloc(0xffff0, 0x80)])],
    ['that lies about its length', Buffer.from('dfffffffffa161', 'hex')],
  ])('drops what is %s', async (_what, data) => {
    await expectDropped(data);
    await expectWorking();
  });

  it('refuses or drops whatever an operator signs that makes no sense, and runs none of it', async () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.uint8Array({ maxLength: 40 }), fc.double());
    const field = fc.constantFrom(
      ...(['id', 'job', 'kind', 'issued', 'expires', 'startBy', 'target', 'via', 'action', 'args', 'reply', 'options', 'crit', 'retryOf'] satisfies (keyof Command)[]),
    ); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(field, value, async (name, wrong) => {
        const command = {
          ...fleet.command('odd', { id: bytesFrom(`odd ${sent++}`, 16), action: 'touch', target: {} }),
          [name]: wrong,
        };
        const runs = node.ran.length;
        // It names nobody and would change something: whatever else is wrong with it, it may not run.
        await node.deliver(await seal('command', fleet.fleetId, alice, encode(command), { inlineCredential: true }));
        expect(node.ran).toHaveLength(runs);
      }),
      { numRuns: 500 },
    );
    await expectWorking();
    expectBoundedCounters();
  });

  it('sets no prototype, whatever the arguments are called', async () => {
    const payload = encodeCommand(fleet.command('proto', { id: bytesFrom(`proto ${sent++}`, 16) }));
    const args = Buffer.from('a46172677380', 'hex');
    const at = Buffer.from(payload).indexOf(args);
    expect(at).toBeGreaterThan(0);
    const hostile = Buffer.concat([
      payload.subarray(0, at),
      Buffer.from('a46172677381a95f5f70726f746f5f5f81a5616c6c6f77c3', 'hex'),
      payload.subarray(at + args.length),
    ]);
    const before = node.ran.length;
    await node.deliver(await seal('command', fleet.fleetId, alice, hostile, { inlineCredential: true }));
    expect(({} as Record<string, unknown>)['allow']).toBeUndefined();
    expect(node.ran).toHaveLength(before);
    await expectWorking();
  });

  it('keeps nothing of what it dropped', async () => {
    const size = node.memory.size;
    for (let at = 0; at < 2_000; at++) await expectDropped(bytesFrom(`junk ${at}`, 200));
    expect(node.memory.size).toBe(size);
    expectBoundedCounters();
  });
});

describe('a controller', () => {
  it('rejects or ignores whatever arrives under the subject of results, and keeps no more than one result of it', async () => {
    const db1 = await fleet.node('db1');
    const command = fleet.command('asked');
    const payloadHash = sha256(encodeCommand(command));
    const trust = fleet.trust({ now: () => NOW, monotonic: () => 0 });
    trust.verify(db1.credential);
    const receiver = new Receiver({ caller: 'alice', job: command.job }, { subjects: fleet.subjects, trust });
    receiver.expectAnswersTo({ id: toHex(command.id), payloadHash: toHex(payloadHash) });
    const subject = fleet.subjects.result('alice', command.job, 'db1');
    const head = { id: command.id, job: command.job, command: payloadHash, node: 'db1', seq: 0, now: NOW };
    const part = fc.record({
      kind: fc.constant('part'),
      part: fc.tuple(
        fc.integer({ min: -1, max: 9_000 }),
        fc.integer({ min: -1, max: 9_000 }),
        fc.uint8Array({ minLength: 31, maxLength: 33 }),
      ),
      chunk: fc.uint8Array({ maxLength: 100 }),
    });
    const odd = fc.record(
      { kind: fc.constantFrom('ack', 'result', 'x'), state: fc.jsonValue(), node: fc.constantFrom('db1', 'db2', '') },
      { requiredKeys: ['kind'] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(part, odd, fc.jsonValue()), async (value) => {
        const payload = encode(typeof value === 'object' && !Array.isArray(value) ? { ...head, ...value } : value);
        const data = await seal('result', fleet.fleetId, db1, payload, { inlineCredential: false });
        receiver.receive({ subject, data });
        receiver.receive({ subject, data: data.subarray(0, data.length / 2) });
        expect(receiver.assembling).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
    const ok = encode({ ...head, kind: 'result', state: 'ok' });
    const data = await seal('result', fleet.fleetId, db1, ok, { inlineCredential: false });
    expect(receiver.receive({ subject, data })).toMatchObject({ state: 'ok' });
  });
});
