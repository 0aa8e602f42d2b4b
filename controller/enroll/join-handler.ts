/**
 * One request to join, from its bytes to its answer: verify, look up, decide, take a use, write, answer. What isn't even a
 * request gets no answer; everything else gets one that says why.
 */
import type { BusMessage } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, ProtocolError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import { sha256 } from '../../shared/signing.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { Credential } from '../../shared/wire/credential.ts';
import type { RequestEntry, TokenEntry } from '../../shared/wire/enroll-entry.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeJoinAnswer, sealGrant, type JoinAnswer } from '../../shared/wire/join-answer.ts';
import { fingerprintOf, verifyJoinRequest, type JoinRequest } from '../../shared/wire/join-request.ts';
import { readKeyedFrame, type KeyedFrame } from '../../shared/wire/keyed-envelope.ts';
import { admitNode, grantNode, type AdmitDependencies } from './admit-node.ts';
import { isConflict, type LoadedNode } from './enroll-store.ts';
import { decideJoin, refuseToken, type KnownNode } from './join-decision.ts';
import { RememberedIds } from './remembered-ids.ts';
import type { UseTaker } from './use-taker.ts';

export interface JoinHandlerDependencies extends AdmitDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly trust: TrustStore;
  readonly uses: UseTaker;
  /** Makes sure that the newest revocations are known. */
  readonly refreshRevocations: () => Promise<void>;
  /** Each answer, before it's sent; without it being written down there is none. */
  readonly onAnswer: (told: JoinTold) => Promise<void>;
}

/** What was asked and answered, as far as it's known who asked. */
export interface JoinTold {
  readonly outcome: JoinAnswer['outcome'];
  readonly code?: string;
  readonly reason?: string;
  readonly token?: string;
  readonly name?: string;
  readonly fingerprint?: string;
  readonly serial?: string;
  /** It had the answer before. */
  readonly again?: boolean;
}

type Outcome = JoinTold & { readonly credential?: Credential };

export class JoinHandler {
  readonly #deps: JoinHandlerDependencies;
  readonly #remembered = new RememberedIds();
  /** Fingerprints that are being worked on: who asks twice within one answer gets one. */
  readonly #working = new Set<string>();

  constructor(dependencies: JoinHandlerDependencies) {
    this.#deps = dependencies;
  }

  /** @returns the bytes of the answer; undefined where none is given. @throws TransportError when the bus doesn't store */
  async handle({ data }: Pick<BusMessage, 'data'>): Promise<Uint8Array | undefined> {
    const { fleetId, log } = this.#deps;
    let frame: KeyedFrame;
    try {
      frame = readKeyedFrame(data);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      log.debug({ code: error.code }, 'dropped: not a request to join');
      return undefined;
    }
    let verified: ReturnType<typeof verifyJoinRequest>;
    try {
      verified = verifyJoinRequest(fleetId, frame);
    } catch (error) {
      return this.#answer(frame, refusalOf(error), undefined);
    }
    const { request, tokenKey } = verified;
    const fingerprint = fingerprintOf(request);
    if (this.#working.has(fingerprint)) return undefined;
    this.#working.add(fingerprint);
    try {
      const outcome = await this.#decide(request, tokenKey, fingerprint).catch(refusalOf);
      const { token, name } = request;
      return await this.#answer(frame, { ...outcome, token, name, fingerprint }, request);
    } finally {
      this.#working.delete(fingerprint);
    }
  }

  async #decide(asked: JoinRequest, tokenKey: Uint8Array, fingerprint: string): Promise<Outcome> {
    const { store, clock, refreshRevocations } = this.#deps;
    const [token, node, request] = await Promise.all([
      store.token(asked.token),
      isNodeName(asked.name) ? store.node(asked.name) : undefined,
      store.request(fingerprint),
    ]);
    const now = clock.now();
    const isRepeated = (): boolean => this.#remembered.claim(asked.token, asked, now);
    if (node !== undefined && Buffer.compare(node.credential.body.sign, asked.sign) === 0) await refreshRevocations();
    const state = { token: token?.entry, tokenKey, request: request?.entry, isRepeated, now };
    const decision = decideJoin(asked, { ...state, node: node && this.#known(node) });
    switch (decision.kind) {
      case 'refuse':
        return { outcome: 'refused', code: decision.code, reason: decision.reason };
      case 'pending':
        return { outcome: 'pending', again: true };
      case 'again':
        return { outcome: 'joined', again: true, ...(node && { credential: node.credential }) };
      case 'admit':
      case 'ask':
        return this.#use(asked, tokenKey, fingerprint, decision.kind, node);
    }
  }

  async #use(
    asked: JoinRequest,
    tokenKey: Uint8Array,
    fingerprint: string,
    kind: 'admit' | 'ask',
    node: LoadedNode | undefined,
  ): Promise<Outcome> {
    const { clock, uses } = this.#deps;
    const isGood = (token: TokenEntry): boolean => refuseToken({ token, tokenKey, now: clock.now() }) === undefined;
    const use = await uses.take(asked.token, fingerprint, isGood);
    if (use.kind === 'gone')
      return { outcome: 'refused', code: 'token-revoked', reason: 'the token ended while it was used' };
    if (use.kind === 'used-up') {
      const reason = `the token was good for ${use.token.uses}, and as many have used it`;
      return { outcome: 'refused', code: 'token-used-up', reason };
    }
    try {
      const outcome = kind === 'ask' ? await this.#ask(asked, fingerprint) : await this.#admit(asked, use.token, node);
      uses.done(asked.token, fingerprint);
      return outcome;
    } catch (error) {
      // What a broken bus has stored or not is found out by who asks again: the use stays theirs.
      if (!(error instanceof FleetError) || !(error instanceof ProtocolError || isConflict(error))) throw error;
      return this.#afterConflict(asked, fingerprint, error);
    }
  }

  async #admit(asked: JoinRequest, token: TokenEntry, node: LoadedNode | undefined): Promise<Outcome> {
    const { clock } = this.#deps;
    const { name } = asked;
    const admission = { name, keys: asked, trusted: token.trusted, now: clock.now(), replaces: node };
    return { outcome: 'joined', credential: await admitNode(admission, this.#deps) };
  }

  async #ask(asked: JoinRequest, fingerprint: string): Promise<Outcome> {
    const { clock, store } = this.#deps;
    const { token, name, sign, box, login, host } = asked;
    const entry: Omit<RequestEntry, 'subject' | 'revision'> = {
      type: 'request', request: fingerprint, token, name, sign, box, login, host, asked: clock.now(), state: 'pending',
    }; // prettier-ignore
    try {
      await store.writeRequest(entry);
    } catch (error) {
      // Another service has written the same down.
      if (!isConflict(error)) throw error;
    }
    return { outcome: 'pending' };
  }

  /** Somebody was faster: these very keys through another service, or others. */
  async #afterConflict(asked: JoinRequest, fingerprint: string, error: FleetError): Promise<Outcome> {
    const { store, uses } = this.#deps;
    const node = await store.node(asked.name);
    if (node !== undefined && Buffer.compare(node.credential.body.sign, asked.sign) === 0) {
      uses.done(asked.token, fingerprint);
      return { outcome: 'joined', again: true, credential: node.credential };
    }
    uses.release(asked.token, fingerprint);
    if (!isConflict(error)) throw error;
    return { outcome: 'refused', code: 'name-taken', reason: `there is a node ${asked.name} by now, with other keys` };
  }

  #known({ entry, credential }: LoadedNode): KnownNode {
    const { state } = entry;
    const { sign, box, login } = credential.body;
    try {
      this.#deps.trust.verify(credential);
      return { state, sign, box, login };
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      return { state, sign, box, login, problem: { code: error.code, message: error.message } };
    }
  }

  async #answer(frame: KeyedFrame, outcome: Outcome, asked: JoinRequest | undefined): Promise<Uint8Array> {
    const { clock, fleetId, issuer, onAnswer } = this.#deps;
    const { credential, ...told } = outcome;
    const grant =
      credential === undefined || asked === undefined
        ? undefined
        : sealGrant(asked.box, await grantNode(credential, asked.login, this.#deps));
    await onAnswer(credential === undefined ? told : { ...told, serial: credential.body.serial });
    const payload = encodeJoinAnswer({
      request: sha256(frame.payload),
      now: clock.now(),
      outcome: told.outcome,
      ...(told.code === undefined ? {} : { code: told.code }),
      ...(told.reason === undefined ? {} : { reason: told.reason.slice(0, 1024) }),
      ...(grant === undefined ? {} : { grant }),
    });
    return seal('enroll', fleetId, issuer, payload, { inlineCredential: true });
  }
}

/** What isn't right about a message is its sender's to know; what went wrong here isn't, and is thrown on. */
function refusalOf(error: unknown): Outcome {
  if (!(error instanceof ProtocolError)) throw error;
  return { outcome: 'refused', code: error.code, reason: error.message };
}
