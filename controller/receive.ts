/**
 * Verifies what comes back: the node's own signature, over the very command that was sent, under the node's own subject.
 * Puts chunked results together, in bounded memory.
 */
import type { BusMessage } from '../shared/bus.ts';
import { FleetError, ProtocolError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import { sha256, toHex } from '../shared/signing.ts';
import type { Subjects } from '../shared/subjects.ts';
import { open, type CredentialSource } from '../shared/wire/envelope.ts';
import { decodeResult, decodeResultMessage, type Result, type ResultPart } from '../shared/wire/result.ts';

/** Whose answers are believed. */
export type AnswerTrust = CredentialSource & { readonly fleetId: string };

export interface ReceiverOptions {
  readonly caller: string;
  readonly job: string;
}

export interface ReceiverDependencies {
  readonly subjects: Subjects;
  readonly trust: AnswerTrust;
  /** The key that the caller has with a node's box key: what isn't recorded may be proven by it. @default by signatures alone */
  readonly keyWith?: ((boxKey: Uint8Array) => Uint8Array) | undefined;
}

interface Assembly {
  /** Of the whole, hex. */
  readonly hash: string;
  readonly chunks: (Uint8Array | undefined)[];
  missing: number;
  bytes: number;
}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #deps: ReceiverDependencies;
  /** Message id to payload hash, hex: what was asked. */
  readonly #sent = new Map<string, string>();
  /** One for a node and message: a node that begins another result drops the one before. */
  readonly #assemblies = new Map<string, Assembly>();
  /** How subjects begin under which answers are heard, and not stored. */
  readonly #heard: string;
  #rejected = 0;

  constructor(options: ReceiverOptions, dependencies: ReceiverDependencies) {
    this.#heard = dependencies.subjects.resultsOf(options.caller, options.job).slice(0, -1);
    this.#options = options;
    this.#deps = dependencies;
  }

  expectAnswersTo(command: { id: string; payloadHash: string }): void {
    this.#sent.set(command.id, command.payloadHash);
  }

  /** Messages that were no answers of a node to this job: forged, misplaced, damaged. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Results of which chunks are still missing. */
  get assembling(): number {
    return this.#assemblies.size;
  }

  /** A result whose every word is its node's, or nothing (yet, or at all). */
  receive(message: BusMessage): Result | undefined {
    try {
      return this.#verify(message);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      this.#rejected++;
      return undefined;
    }
  }

  #verify(message: BusMessage): Result | undefined {
    const { trust } = this.#deps;
    const { payload, signers } = open('result', trust.fleetId, message.data, trust, this.#keyFor(message.subject));
    const signer = signers[0].credential.body;
    const parsed = decodeResultMessage(payload);
    if (signer.kind !== 'node' || signer.name !== parsed.node || !this.#isPlace(message.subject, parsed))
      throw new ProtocolError('not from the node that it speaks for', { code: 'misrouted' });
    this.#assertAsked(parsed);
    // Who says it is settled before anything is kept for it.
    if (parsed.kind !== 'part') return parsed;
    const result = this.#assemble(parsed);
    if (result === undefined) return undefined;
    if (result.node !== parsed.node)
      throw new ProtocolError('not from the node that it speaks for', { code: 'misrouted' });
    this.#assertAsked(result);
    return result;
  }

  /** What is stored is there for others, too: only a signature proves it. */
  #keyFor(subject: string): ReceiverDependencies['keyWith'] {
    return subject.startsWith(this.#heard) ? this.#deps.keyWith : undefined;
  }

  /** Where a recorded program's output lies there is nothing else, and it lies nowhere else but where it's heard. */
  #isPlace(subject: string, { kind, node }: Result | ResultPart): boolean {
    const { subjects } = this.#deps;
    const { caller, job } = this.#options;
    if (subject === subjects.result(caller, job, node)) return true;
    return subject === (kind === 'output' ? subjects.output(caller, job, node) : subjects.record(caller, job, node));
  }

  #assertAsked(result: Result | ResultPart): void {
    if (result.job !== this.#options.job || this.#sent.get(toHex(result.id)) !== toHex(result.command))
      throw new ProtocolError('answers something that was not asked', { code: 'not-asked' });
  }

  #assemble(part: ResultPart): Result | undefined {
    const [index, count, hash] = part.part;
    const key = `${part.node}\0${toHex(part.id)}`;
    if (index >= count || count > LIMITS.resultParts)
      throw new ProtocolError('impossible chunk', { code: 'malformed' });
    let assembly = this.#assemblies.get(key);
    if (assembly === undefined || assembly.hash !== toHex(hash)) {
      assembly = { hash: toHex(hash), chunks: Array.from({ length: count }), missing: count, bytes: 0 };
      this.#assemblies.set(key, assembly);
    }
    if (assembly.chunks.length !== count) {
      this.#assemblies.delete(key);
      throw new ProtocolError('impossible chunk', { code: 'malformed' });
    }
    if (assembly.chunks[index] !== undefined) return undefined;
    assembly.bytes += part.chunk.length;
    if (assembly.bytes > LIMITS.resultBytes) {
      this.#assemblies.delete(key);
      throw new ProtocolError('the result is too large', { code: 'malformed' });
    }
    assembly.chunks[index] = part.chunk;
    assembly.missing--;
    if (assembly.missing > 0) return undefined;
    this.#assemblies.delete(key);
    const payload = Buffer.concat(assembly.chunks.filter((chunk) => chunk !== undefined));
    if (Buffer.compare(sha256(payload), hash) !== 0)
      throw new ProtocolError('the chunks do not add up', { code: 'malformed' });
    return decodeResult(payload);
  }
}
