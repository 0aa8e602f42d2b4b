/** Golden bytes of what waits, of services, of events and of answers for one, held against the code that reads them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJobArgs } from '../../../agent/jobs/job-messages.ts';
import { verifyCommand } from '../../../agent/verify.ts';
import { openLeadAnswer } from '../../../controller/batch/ask-service.ts';
import { openPlanChunk } from '../../../controller/batch/open-plan-chunk.ts';
import { openServiceAnswer } from '../../../controller/open-service-answer.ts';
import { Receiver } from '../../../controller/receive.ts';
import { openQuestion } from '../../../controller/service/open-question.ts';
import { decode } from '../../../shared/codec.ts';
import { FleetError, RefusedError } from '../../../shared/errors.ts';
import { PairwiseKeys } from '../../../shared/pairwise.ts';
import { boxPrivateKey, boxPublicKey } from '../../../shared/sealing.ts';
import { sha256 } from '../../../shared/signing.ts';
import type { TrustStore } from '../../../shared/trust.ts';
import { decodeAttachment } from '../../../shared/wire/attachment.ts';
import { readCredit } from '../../../shared/wire/credit.ts';
import { open, parseEnvelope } from '../../../shared/wire/envelope.ts';
import { openEvent } from '../../../shared/wire/event.ts';
import { decodeQueue } from '../../../shared/wire/queue.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { VECTOR_FLEET } from '../../vectors/protocol/generate.ts';
import {
  hex,
  toPlain,
  unhex,
  type EventVector,
  type JobMessageVector,
  type PairwiseVectors,
  type PlanVectors,
  type QueueVector,
  type ServiceVectors,
} from '../../vectors/protocol/vector.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'vectors', 'protocol');
interface Files {
  readonly 'events.json': EventVector[];
  readonly 'job-messages.json': JobMessageVector[];
  readonly 'pairwise.json': PairwiseVectors;
  readonly 'plans.json': PlanVectors;
  readonly 'queues.json': QueueVector[];
  readonly 'service.json': ServiceVectors;
}
const read = <Name extends keyof Files>(file: Name): Files[Name] =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Files[Name];
const { fleetId, subjects } = VECTOR_FLEET;

function trustAt(now: number, known: readonly string[] = []): TrustStore {
  const trust = VECTOR_FLEET.trust(new ManualClock(now));
  for (const credential of known) trust.resolve(unhex(credential));
  return trust;
}

/** Its payload, as it is: with fields of a later version. */
const saidIn = (message: string): unknown => toPlain(decode(parseEnvelope(unhex(message))[1]));

describe('arguments of messages about other commands', () => {
  it.each(read('job-messages.json'))('$name: $verdict', ({ message, now, verdict, args }) => {
    const { command } = verifyCommand({ subject: '', data: unhex(message) }, trustAt(now));
    const readArgs = (): unknown => (command.kind === 'credit' ? readCredit(command) : readJobArgs(command).args);
    let found: unknown;
    const decide = (): string => {
      try {
        found = readArgs();
        return 'accepted';
      } catch (error) {
        if (error instanceof FleetError)
          return `${error instanceof RefusedError ? 'refused' : 'dropped'} ${error.code}`;
        throw error;
      }
    };
    expect(decide()).toBe(verdict);
    if (args !== undefined) expect(toPlain(found)).toEqual(args);
  });
});

describe('plans', () => {
  const { pieces, attachments } = read('plans.json');

  it.each(pieces)('$name: $verdict', ({ subject, message, now, verdict, piece }) => {
    let found: unknown;
    const stored = { subject, data: unhex(message) };
    expect(codeOf(() => (found = openPlanChunk(stored, { subjects, trust: trustAt(now) })))).toBe(verdict);
    if (piece !== undefined) expect(piece).toMatchObject(toPlain(found) as object);
  });

  it.each(attachments)('$name', ({ attachment, isSealed, sealed, startBy, until }) => {
    const command = { startBy, sealed: isSealed ? { names: ['TOKEN'], data: new Uint8Array(1) } : undefined };
    const found = decodeAttachment(command, unhex(attachment));
    expect(found.startBy).toBe(until);
    expect(found.sealed && hex(found.sealed)).toBe(sealed);
  });
});

describe('queues', () => {
  it.each(read('queues.json'))('$name: $verdict', ({ stored, verdict, entries }) => {
    let found: unknown;
    expect(codeOf(() => (found = decodeQueue(unhex(stored))))).toBe(verdict);
    if (entries !== undefined) expect(toPlain(found)).toEqual(entries);
  });
});

describe('events', () => {
  it.each(read('events.json'))('$name: $verdict', ({ subject, message, now, known, verdict, event }) => {
    let found: unknown;
    const reader = { fleetId, subjects, credentials: trustAt(now, known) };
    expect(codeOf(() => (found = openEvent({ subject, data: unhex(message) }, reader)))).toBe(verdict);
    if (event !== undefined) expect(event).toMatchObject(toPlain(found) as object);
  });
});

describe('the controller service', () => {
  const { now, questions, asked, answers, leadQuestion, leads } = read('service.json');

  it.each(questions)('is asked: $name: $verdict', ({ message, verdict, says }) => {
    let found: ReturnType<typeof openQuestion> | undefined;
    const [clock, trust] = [new ManualClock(now), trustAt(now)];
    expect(codeOf(() => (found = openQuestion(unhex(message), { clock, trust })))).toBe(verdict);
    if (says === undefined || found === undefined) return expect(says).toBe(found);
    expect(saidIn(message)).toEqual(says);
    expect(says).toMatchObject({ question: toPlain(found.question) });
    expect(hex(found.request)).toBe(hex(sha256(parseEnvelope(unhex(message))[1])));
  });

  it.each(answers)('answers: $name: $verdict', ({ message, verdict, says }) => {
    let found: unknown;
    expect(codeOf(() => (found = openServiceAnswer(unhex(message), unhex(asked), trustAt(now))))).toBe(verdict);
    if (says !== undefined) expect(says).toMatchObject(toPlain(found) as object);
  });

  it.each(leads)('leads: $name: $verdict', ({ message, verdict, says }) => {
    expect(codeOf(() => openLeadAnswer(unhex(message), unhex(leadQuestion), trustAt(now)))).toBe(verdict);
    if (says !== undefined) expect(saidIn(message)).toEqual(says);
  });
});

describe('answers for one', () => {
  const { asked, boxSecret, caller, job, keys, known, now, results, small } = read('pairwise.json');
  const boxKeyOf = (secret: string): Uint8Array => boxPublicKey(boxPrivateKey(unhex(secret)));
  const keysOf = (side: 'node' | 'caller', secret: string): PairwiseKeys =>
    new PairwiseKeys(side, { boxSecret: unhex(secret), fleetId });
  const keyWith = (boxKey: Uint8Array): Uint8Array => keysOf('caller', boxSecret).with(boxKey);

  it.each(keys)('are under the key $key, which both have', (two) => {
    expect(hex(keysOf('node', two.node).with(boxKeyOf(two.caller)))).toBe(two.key);
    expect(hex(keysOf('caller', two.caller).with(boxKeyOf(two.node)))).toBe(two.key);
  });

  it.each(small)('are never under a key with %s', (boxKey) => {
    for (const side of ['node', 'caller'] as const)
      expect(codeOf(() => keysOf(side, boxSecret).with(unhex(boxKey)))).toBe('bad-key');
  });

  it.each(results)('$name: $verdict', ({ subject, message, verdict, result }) => {
    const trust = trustAt(now, known);
    const receiver = new Receiver({ caller, job }, { subjects, trust, keyWith });
    receiver.expectAnswersTo({ id: asked.id, payloadHash: asked.payload });
    const found = receiver.receive({ subject, data: unhex(message) });
    expect(found && toPlain(found)).toEqual(result);
    expect(receiver.rejected).toBe(verdict === 'accepted' ? 0 : 1);
    const isHeard = subject === subjects.result(caller, job, 'db1');
    expect(codeOf(() => open('result', fleetId, unhex(message), trust, isHeard ? keyWith : undefined))).toBe(verdict);
  });
});
