import { describe, expect, it } from 'vitest';
import { addresseeOf, Replier, type Answer } from '../../../agent/reply.ts';
import { verifyCommand } from '../../../agent/verify.ts';
import { Receiver } from '../../../controller/receive.ts';
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256, toHex } from '../../../shared/signing.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { encodeResult, type Result, type ResultPart } from '../../../shared/wire/result.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const [alice, db1, db2] = [await fleet.operator('alice'), await fleet.node('db1'), await fleet.node('db2')];
const command = fleet.command('1', { target: { nodes: ['db1', 'db2'] } });
const { job } = command;
const payloadHash = sha256(encodeCommand(command));
const subjectOf = (node: string): string => fleet.subjects.result('alice', job, node);

function createReceiver(): Receiver {
  const trust = fleet.trust(new ManualClock());
  for (const { credential } of [db1, db2]) trust.verify(credential);
  const receiver = new Receiver({ caller: 'alice', job }, { subjects: fleet.subjects, trust });
  receiver.expectAnswersTo({ id: toHex(command.id), payloadHash: toHex(payloadHash) });
  return receiver;
}

const right: Result = {
  id: command.id,
  job,
  command: payloadHash,
  node: 'db1',
  seq: 0,
  now: NOW,
  kind: 'result',
  state: 'ok',
};

async function message(
  result: Result | ResultPart,
  by: Member = db1,
  subject = subjectOf(result.node),
  kind: 'result' | 'event' = 'result',
) {
  return { subject, data: await seal(kind, fleet.fleetId, by, encodeResult(result), { inlineCredential: false }) };
}

/** What a node sends for an answer, in messages of at most `size` bytes. */
async function answersOf(answer: Answer, size: number, by: Member = db1) {
  const bus = new FakeBus();
  bus.maxPayloadBytes = size;
  const trust = fleet.trust(new ManualClock());
  const verified = verifyCommand({ subject: '', data: await fleet.sealCommand(command, alice) }, trust);
  const replier = new Replier(addresseeOf(verified), {
    bus,
    clock: new ManualClock(),
    subjects: fleet.subjects,
    fleetId: fleet.fleetId,
    identity: by,
    node: by.credential.body.name,
  });
  await replier.send(answer);
  return bus.published;
}

const text = Array.from({ length: 20_000 }, (_, at) => at).join(' ');
const large: Answer = { kind: 'result', state: 'ok', data: { text } };
const chunks = await answersOf(large, 16 * 1024);

describe('a result', () => {
  it('of the node that it speaks for, about what was asked, is taken', async () => {
    const receiver = createReceiver();
    expect(receiver.receive(await message(right))).toMatchObject({ node: 'db1', state: 'ok' });
    expect(receiver.rejected).toBe(0);
  });

  it.each<[string, () => Promise<{ subject: string; data: Uint8Array }>]>([
    ["signed by another node, under the other's subject", () => message(right, db2, subjectOf('db2'))],
    ['signed by another node', () => message(right, db2)],
    ["under another node's subject", () => message(right, db1, subjectOf('db2'))],
    ["under another caller's subject", () => message(right, db1, fleet.subjects.result('bob', job, 'db1'))],
    ["under another job's subject", () => message(right, db1, fleet.subjects.result('alice', 'x', 'db1'))],
    ['of another job', () => message({ ...right, job: 'x' })],
    ['about a message that was not sent', () => message({ ...right, id: new Uint8Array(16) })],
    ['about other bytes than were sent', () => message({ ...right, command: new Uint8Array(32) })],
    ['signed by the caller itself', () => message({ ...right, node: 'alice' }, alice, subjectOf('alice'))],
    ['signed for another purpose', () => message(right, db1, subjectOf('db1'), 'event')],
    ['of a node whose credential is not known', async () => message({ ...right, node: 'db3' }, await fleet.node('db3'))],
    ['with a field that has to be understood and is not', () => message({ ...right, codec: 'zstd', crit: ['codec'] })],
    ['that is junk', () => Promise.resolve({ subject: subjectOf('db1'), data: Uint8Array.of(1) })],
    ['that is of no known state', async () => message({ ...right, state: 'fine' as 'ok' })],
    ['that has a turned bit', async () => {
      const { subject, data } = await message(right);
      data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
      return { subject, data };
    }],
  ])('%s is rejected and counted', async (_what, make) => {
    const receiver = createReceiver();
    expect(receiver.receive(await make())).toBeUndefined();
    expect(receiver.rejected).toBe(1);
    expect(receiver.receive(await message(right))).toMatchObject({ state: 'ok' });
  }); // prettier-ignore

  it('may have fields of a later version', async () => {
    const payload = encode({ ...right, later: { a: 1 } });
    const data = await seal('result', fleet.fleetId, db1, payload, { inlineCredential: false });
    expect(createReceiver().receive({ subject: subjectOf('db1'), data })).toMatchObject({ state: 'ok' });
  });
});

describe('a result in chunks', () => {
  /** Texts by their hash: a failure is to be readable. */
  const short = (value: string): string => toHex(sha256(Buffer.from(value))).slice(0, 8);
  const data = (results: readonly (Result | undefined)[]): string[] =>
    results.flatMap((result) => (result === undefined ? [] : [short((result.data as { text: string }).text)]));
  const receiveAll = (receiver: Receiver, messages: typeof chunks): string[] =>
    data(messages.map((one) => receiver.receive(one)));

  it('is put together in whatever order it comes, each chunk once', () => {
    expect(chunks.length).toBeGreaterThan(5);
    expect(receiveAll(createReceiver(), chunks)).toEqual([short(text)]);
    expect(receiveAll(createReceiver(), chunks.toReversed())).toEqual([short(text)]);
    const twice = [...chunks.slice(0, 3), ...chunks];
    expect(receiveAll(createReceiver(), twice)).toEqual([short(text)]);
  });

  it('that lacks a chunk is nothing yet', () => {
    const receiver = createReceiver();
    expect(receiveAll(receiver, chunks.slice(1))).toEqual([]);
    expect(receiver.rejected).toBe(0);
    expect(receiveAll(receiver, chunks.slice(0, 1))).toEqual([short(text)]);
  });

  it('of two nodes at once comes apart again', async () => {
    const others = await answersOf({ ...large, data: { text: 'y'.repeat(40_000) } }, 16 * 1024, db2);
    const mixed = [...others.slice(0, 2), ...chunks, ...others.slice(2)];
    expect(receiveAll(createReceiver(), mixed)).toEqual([short(text), short('y'.repeat(40_000))]);
  });

  const payload = encodeResult({ ...right, data: { text } });
  const hash = sha256(payload);
  const part = (index: number, count: number, of = hash, chunk = payload.subarray(0, 10)): ResultPart => ({
    id: command.id,
    job,
    command: payloadHash,
    node: 'db1',
    seq: 0,
    now: NOW,
    kind: 'part',
    part: [index, count, of],
    chunk,
  });

  it.each<[string, () => Promise<{ subject: string; data: Uint8Array }>[]]>([
    ['beyond their own number', () => [message(part(2, 2))]],
    ['more than there may be', () => [message(part(0, LIMITS.resultParts + 1))]],
    ['that disagree about their number', () => [message(part(0, 2)), message(part(1, 3))]],
    ['that do not add up', () => [message(part(0, 1))]],
    ["of another node's result", () => [message({ ...part(0, 1, hash, payload), node: 'db2' })]],
    ['with the result of another node within', () => {
      const inner = encodeResult({ ...right, node: 'db2' });
      return [message(part(0, 1, sha256(inner), inner))];
    }],
    ['with the answer to something else within', () => {
      const inner = encodeResult({ ...right, id: new Uint8Array(16) });
      return [message(part(0, 1, sha256(inner), inner))];
    }],
    ['of a job that is not this one', () => [message({ ...part(0, 2), job: 'x' })]],
    ['of a message that was not sent', () => [message({ ...part(0, 2), id: new Uint8Array(16) })]],
    ["under another node's subject", () => [message(part(0, 2), db1, subjectOf('db2'))]],
  ])('%s are rejected', async (_what, make) => {
    const receiver = createReceiver();
    const results = (await Promise.all(make())).map((one) => receiver.receive(one));
    expect(results.filter((result) => result !== undefined)).toEqual([]);
    expect(receiver.rejected).toBe(1);
    // And nothing of it is in the way of what is right.
    expect(receiveAll(receiver, chunks)).toEqual([short(text)]);
  }); // prettier-ignore

  it('of one node takes no more room than one result may have, however many it begins', async () => {
    const receiver = createReceiver();
    for (let at = 0; at < 50; at++) {
      const one = await message(part(0, LIMITS.resultParts, sha256(Uint8Array.of(at)), new Uint8Array(1024)));
      expect(receiver.receive(one)).toBeUndefined();
    }
    expect(receiver.assembling).toBe(1);
  });

  it('that grows beyond the limit is rejected', async () => {
    const receiver = createReceiver();
    const size = 512 * 1024;
    const parts = LIMITS.resultBytes / size + 1;
    for (let at = 0; at < parts; at++) {
      const one = await message(part(at, parts + 1, hash, new Uint8Array(size)));
      expect(receiver.receive(one)).toBeUndefined();
    }
    expect([receiver.rejected, receiver.assembling]).toEqual([1, 0]);
  });
});
