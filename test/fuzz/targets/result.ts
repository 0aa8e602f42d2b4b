/**
 * What a node answers, by a node that signs whatever it likes: a list of payloads, one message each. What a controller
 * takes for a result speaks for that node, and answers what was asked; what is kept stays bounded.
 */
import { Receiver } from '../../../controller/receive.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { sha256, toHex } from '../../../shared/signing.ts';
import { FINAL_STATES } from '../../../shared/states.ts';
import { encodeCommand } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

const MOST_MESSAGES = 8;

export const result: FuzzTarget = {
  name: 'result',
  about:
    'answers that a node signs, of any content and in any pieces: taken for its own word about what was asked only',
  sources: ['controller/receive.ts', 'shared/wire/result.ts', 'shared/wire/reserved-fields.ts'],
  maxBytes: 16 * 1024,
  shape: 'tree',
  dictionary:
    'id job command node seq now kind state code reason data timing streams part chunk crit received started ended bytes sha256 ack output result unmatched ok failed lost refused db1 db2 epochs fence'.split(
      ' ',
    ),
  work: { base: 2_000_000, perByte: 3_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const db1 = await fleet.node('db1');
  const command = fleet.command('asked');
  const payloadHash = sha256(encodeCommand(command));
  const trust = fleet.trust(new ManualClock());
  trust.verify(db1.credential);
  const head = { id: command.id, job: command.job, command: payloadHash, node: 'db1', seq: 0, now: fleet.now };
  const final = { ...head, kind: 'result', state: 'ok', data: { version: '1', list: [1, 2] }, timing: { received: 1 } };
  const inParts = (whole: Uint8Array, count: number): unknown[] =>
    Array.from({ length: count }, (_, index) => {
      const size = Math.ceil(whole.length / count);
      const chunk = whole.slice(index * size, (index + 1) * size);
      return { ...head, seq: index, kind: 'part', part: [index, count, sha256(whole)], chunk };
    });
  const seeds = [
    [final],
    [
      { ...head, kind: 'ack' },
      { ...final, seq: 1, state: 'failed', code: 'exit-code', reason: 'it said no' },
    ],
    [{ ...final, kind: 'unmatched', streams: { stdout: { bytes: 5, sha256: payloadHash } }, crit: ['data'] }],
    inParts(encode(final), 3),
    [...inParts(encode({ ...final, node: 'db2' }), 2), final],
  ].map((messages) => encode(messages));
  const subject = fleet.subjects.result('alice', command.job, 'db1');

  return {
    seeds,
    run: async (input) => {
      let messages: unknown;
      if (codeOf(() => (messages = decode(input))) !== 'accepted' || !Array.isArray(messages)) return 'no messages';
      const receiver = new Receiver({ caller: 'alice', job: command.job }, { subjects: fleet.subjects, trust });
      receiver.expectAnswersTo({ id: toHex(command.id), payloadHash: toHex(payloadHash) });
      const outcomes: string[] = [];
      for (const message of (messages as unknown[]).slice(0, MOST_MESSAGES)) {
        const payload = message instanceof Uint8Array ? message : encode(message);
        const data = await seal('result', fleet.fleetId, db1, payload, { inlineCredential: false });
        const received = receiver.receive({ subject, data });
        promise(receiver.assembling <= 1, 'pieces of more than one result are kept');
        outcomes.push(received === undefined ? (receiver.assembling > 0 ? 'part' : 'rejected') : received.kind);
        if (received === undefined) continue;
        promise(received.node === 'db1', "taken for another node's word");
        promise(
          received.job === command.job && toHex(received.id) === toHex(command.id),
          'an answer to something else',
        );
        promise(toHex(received.command) === toHex(payloadHash), 'an answer to other bytes');
        promise(received.state === undefined || FINAL_STATES.includes(received.state), 'a state that is none');
      }
      return [...new Set(outcomes)].sort().join('+');
    },
  };
}
