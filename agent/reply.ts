/**
 * Last step: signs what the node has to say about one command and publishes it where fleet, caller, job and node put
 * it: never where the message asks for. What doesn't fit into one message goes in chunks.
 */
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { TooManyValuesError } from '../shared/codec.ts';
import { LIMITS } from '../shared/limits.ts';
import type { PairwiseKeys } from '../shared/pairwise.ts';
import { sha256 } from '../shared/signing.ts';
import type { Subjects } from '../shared/subjects.ts';
import { seal, sealForOne, type SignerIdentity } from '../shared/wire/envelope.ts';
import { encodeResult, type Result, type ResultPart } from '../shared/wire/result.ts';
import type { VerifiedCommand } from './verify.ts';

export interface ReplyDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly fleetId: string;
  readonly identity: SignerIdentity;
  readonly node: string;
  /** Keys that the node has with callers. @default it signs all that it says */
  readonly pairwise?: PairwiseKeys | undefined;
}

/** What a step has to say; the rest of a result is the same for all answers to one command. */
export type Answer = Pick<Result, 'kind' | 'state' | 'code' | 'reason' | 'data' | 'timing' | 'streams' | 'output'>;

/** Whom an answer goes to, and what it answers. */
export interface Addressee {
  /** Name of the caller. */
  readonly caller: string;
  readonly job: string;
  /** Message id of the command. */
  readonly id: Uint8Array;
  readonly payloadHash: Uint8Array;
  readonly reply: 'res' | 'rec';
  /** The caller's box key, where it takes what proves itself to it alone. */
  readonly boxKey?: Uint8Array | undefined;
}

export const addresseeOf = ({ caller, command, payloadHash }: VerifiedCommand): Addressee => ({
  caller: caller.credential.body.name,
  job: command.job,
  id: command.id,
  payloadHash,
  reply: command.reply,
  // What is stored is read by others, too: signed.
  ...(command.reply === 'res' && command.accepts?.includes('x25519-hmac') === true
    ? { boxKey: caller.credential.body.box }
    : {}),
});

/** Answers one command. Messages are numbered in the order they are sent. */
export class Replier {
  readonly #deps: ReplyDependencies;
  readonly #to: Addressee;
  /** As it was when the command came: the caller may not have heard of a credential that comes meanwhile. */
  readonly #identity: SignerIdentity;
  #seq: number;

  /** @param seq number of the first message: where an earlier agent has answered, behind what that has said */
  constructor(to: Addressee, dependencies: ReplyDependencies, seq = 0) {
    this.#deps = dependencies;
    this.#to = to;
    this.#seq = seq;
    const { signer, credential, spellOut } = dependencies.identity;
    this.#identity = { signer, credential, ...(spellOut === undefined ? {} : { spellOut }) };
  }

  /** Signs and sends; gives the messages back, for when the same command comes again. */
  async send(answer: Answer): Promise<Uint8Array[]> {
    const messages = await this.seal(answer);
    this.resend(messages);
    return messages;
  }

  resend(messages: readonly Uint8Array[]): void {
    for (const message of messages) this.#deps.bus.publish(this.#subject, message);
  }

  get #subject(): string {
    const { subjects, node } = this.#deps;
    return subjects.result(this.#to.caller, this.#to.job, node);
  }

  /** Where the final is stored; undefined where the caller only wants to hear it. Signs of life are never stored. */
  get recordSubject(): string | undefined {
    const { subjects, node } = this.#deps;
    const { caller, job, reply } = this.#to;
    return reply === 'rec' ? subjects.record(caller, job, node) : undefined;
  }

  /** Where what its program writes is stored; undefined where the caller only wants to hear it. */
  get outputSubject(): string | undefined {
    const { subjects, node } = this.#deps;
    const { caller, job, reply } = this.#to;
    return reply === 'rec' ? subjects.output(caller, job, node) : undefined;
  }

  /** Of what is not remembered here: where it's recorded, the bus stores it, and nobody looks after it. */
  report(messages: readonly Uint8Array[]): void {
    const { recordSubject } = this;
    if (recordSubject === undefined) return;
    for (const message of messages) this.#deps.bus.publish(recordSubject, message);
  }

  /** Signs, and doesn't send. @throws ProtocolError when the data can't be written in the protocol's terms. */
  async seal(answer: Answer): Promise<Uint8Array[]> {
    let payload: Uint8Array;
    try {
      payload = encodeResult({ ...this.#head(), ...answer });
    } catch (error) {
      if (!(error instanceof TooManyValuesError)) throw error;
      return this.seal(tooLarge(`more than ${LIMITS.decodeItems} values`, answer));
    }
    const room = Math.min(this.#deps.bus.maxPayloadBytes, LIMITS.envelopeBytes) - LIMITS.chunkOverheadBytes;
    if (payload.length <= room) return [await this.#sign(payload)];
    if (payload.length > LIMITS.resultBytes)
      return this.seal(tooLarge(`${payload.length} bytes, ${LIMITS.resultBytes} is the most`, answer));
    return Promise.all(chunksOf(payload, room).map((part) => this.#sign(encodeResult({ ...this.#head(), ...part }))));
  }

  #head(): Pick<Result, 'id' | 'job' | 'command' | 'node' | 'seq' | 'now'> {
    const { id, job, payloadHash } = this.#to;
    const { node, clock } = this.#deps;
    return { id, job, command: payloadHash, node, seq: this.#seq++, now: clock.now() };
  }

  #sign(payload: Uint8Array): Promise<Uint8Array> {
    const inlineCredential = this.#identity.spellOut === true;
    const { fleetId, pairwise } = this.#deps;
    const { boxKey } = this.#to;
    if (boxKey !== undefined && pairwise !== undefined) {
      const by = { credential: this.#identity.credential, key: pairwise.with(boxKey) };
      return Promise.resolve(sealForOne('result', fleetId, by, payload, { inlineCredential }));
    }
    return seal('result', this.#deps.fleetId, this.#identity, payload, { inlineCredential });
  }
}

const tooLarge = (what: string, { timing }: Answer): Answer => ({
  kind: 'result',
  state: 'failed',
  code: 'result-too-large',
  reason: `the result has ${what}: ask for less`,
  timing,
});

function chunksOf(payload: Uint8Array, size: number): Pick<ResultPart, 'kind' | 'part' | 'chunk'>[] {
  const hash = sha256(payload);
  const count = Math.ceil(payload.length / size);
  return Array.from({ length: count }, (_, index) => ({
    kind: 'part' as const,
    part: [index, count, hash] as [number, number, Uint8Array],
    chunk: payload.subarray(index * size, (index + 1) * size),
  }));
}
