/**
 * What operators ask about tokens and requests: verified, fresh, allowed, done, answered. Each question can be carried out
 * once, by what is stored: a token has its id from its key, and a decision is final. So one that is sent again does nothing.
 */
import type { BusMessage } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, ProtocolError, RefusedError, UsageError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { sha256 } from '../../shared/signing.ts';
import type { TrustStore, VerifiedCredential } from '../../shared/trust.ts';
import {
  decodeAdminRequest,
  encodeAdmin,
  type AdminQuestion,
  type AdminResult,
} from '../../shared/wire/enroll-admin.ts';
import { open, seal, type OpenedEnvelope } from '../../shared/wire/envelope.ts';
import type { AdmitDependencies } from './admit-node.ts';
import { answerQuestion } from './admin-questions.ts';
import { refuseTime } from './join-decision.ts';
import { RememberedIds } from './remembered-ids.ts';

/** As nodes know it from the credential: an operator who is limited to some actions has this one, or can't do this. */
const ENROLL_ACTION = 'enroll';

export interface AdminHandlerDependencies extends AdmitDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly trust: TrustStore;
  /** One of these is enough. */
  readonly roles: readonly string[];
  readonly refreshRevocations: () => Promise<void>;
  /** Each answer, before it's sent; without it being written down there is none. */
  readonly onAnswer: (told: AdminTold) => Promise<void>;
}

export interface AdminTold {
  readonly caller: { readonly name: string; readonly serial: string; readonly kind: string };
  readonly question: AdminQuestion['type'];
  /** Token or request that it was about. */
  readonly subject?: string | undefined;
  /** Of the node that it was about. */
  readonly name?: string | undefined;
  /** Of token or request. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Where it was refused. */
  readonly code?: string;
  readonly reason?: string;
}

export class AdminHandler {
  readonly #deps: AdminHandlerDependencies;
  readonly #remembered = new RememberedIds();

  constructor(dependencies: AdminHandlerDependencies) {
    this.#deps = dependencies;
  }

  /** @returns the bytes of the answer; undefined for what no operator of this fleet signed */
  async handle({ data }: Pick<BusMessage, 'data'>): Promise<Uint8Array | undefined> {
    const { log, refreshRevocations, trust } = this.#deps;
    await refreshRevocations();
    let opened: OpenedEnvelope;
    try {
      opened = open('enroll-admin', trust.fleetId, data, trust);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      log.warn({ code: error.code, why: error.message }, 'dropped: a question about joining that does not hold');
      return undefined;
    }
    const [caller] = opened.signers;
    // Before it's known whether it was here before, nothing else may happen to them.
    const payload = new Uint8Array(opened.payload);
    try {
      const { question, ...request } = decodeAdminRequest(payload);
      return await this.#answer(payload, await this.#carryOut(caller, question, request));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return this.#answer(payload, error);
    }
  }

  async #carryOut(
    caller: VerifiedCredential,
    question: AdminQuestion,
    request: { readonly id: Uint8Array; readonly issued: number; readonly expires: number },
  ): Promise<AdminResult> {
    const { clock, onAnswer } = this.#deps;
    const { name, serial, kind } = caller.credential.body;
    const told = { caller: { name, serial, kind }, question: question.type, ...aboutOf(question) };
    const now = clock.now();
    let result: AdminResult;
    try {
      this.#assertAllowed(caller);
      const refusal = refuseTime(request, now);
      if (refusal !== undefined) throw new RefusedError(refusal.reason, { code: refusal.code });
      if (this.#remembered.claim(serial, request, now))
        throw new RefusedError('this very request was here before', { code: 'replayed' });
      result = await answerQuestion(question, { by: name, at: now }, this.#deps);
    } catch (error) {
      // What somebody asked and what it came to; a bus that is away comes to nothing.
      if (isRefusal(error)) await onAnswer({ ...told, code: error.code, reason: error.message });
      throw error;
    }
    await onAnswer({ ...told, ...aboutResult(result) });
    return result;
  }

  #assertAllowed({ credential }: VerifiedCredential): void {
    const { kind, name, roles, limits } = credential.body;
    // Who is limited to some nodes could make one that is told the secrets of others.
    const mayAct = limits.where === undefined && (limits.actions?.includes(ENROLL_ACTION) ?? true);
    if (kind === 'operator' && mayAct && roles.some((role) => this.#deps.roles.includes(role))) return;
    throw new RefusedError(
      `${name} may not decide about who joins: that takes the role ${this.#deps.roles.join(' or ')}, and a credential for all nodes`,
      { code: 'not-authorized' },
    );
  }

  #answer(payload: Uint8Array, outcome: AdminResult | FleetError): Promise<Uint8Array> {
    const { clock, fleetId, issuer } = this.#deps;
    const answer = encodeAdmin({
      request: sha256(payload),
      now: clock.now(),
      ...(outcome instanceof FleetError
        ? { code: outcome.code, reason: outcome.message.slice(0, 1024) }
        : { result: outcome }),
    });
    return seal('enroll-admin', fleetId, issuer, answer, { inlineCredential: true });
  }
}

/** What isn't right about the question, and not about the bus or this program. */
const isRefusal = (error: unknown): error is FleetError =>
  error instanceof ProtocolError || error instanceof RefusedError || error instanceof UsageError;

function aboutOf(question: AdminQuestion): { subject?: string } {
  if ('request' in question) return { subject: question.request };
  return 'token' in question ? { subject: question.token } : {};
}

function aboutResult(result: AdminResult): Pick<AdminTold, 'subject' | 'name' | 'details'> {
  if (result.type === 'request') return { name: result.entry.name, details: { token: result.entry.token } };
  if (result.type !== 'token') return {};
  const { token, uses, expires, names, trusted, approval } = result.entry;
  return {
    subject: token,
    details: {
      uses,
      expires: new Date(expires).toISOString(),
      trusted,
      approval,
      ...(names === undefined ? {} : { names }),
    },
  };
}
