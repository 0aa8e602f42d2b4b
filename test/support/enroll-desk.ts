/**
 * The enrolment service without its bus: what it decides and stores, in this process. With servers that ask to join, and
 * operators, who do and sign what the real ones do.
 */
import { AdminHandler, type AdminTold } from '../../controller/enroll/admin-handler.ts';
import type { BusLogins } from '../../controller/enroll/admit-node.ts';
import { EnrollStore } from '../../controller/enroll/enroll-store.ts';
import { JoinHandler, type JoinTold } from '../../controller/enroll/join-handler.ts';
import { UseTaker } from '../../controller/enroll/use-taker.ts';
import type { Bus } from '../../shared/bus.ts';
import { createLoginKeys } from '../../shared/keys.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { sha256, type Signer } from '../../shared/signing.ts';
import {
  decodeAdminAnswer,
  encodeAdmin,
  type AdminAnswer,
  type AdminQuestion,
  type AdminRequest,
  type MakeToken,
} from '../../shared/wire/enroll-admin.ts';
import { open, seal } from '../../shared/wire/envelope.ts';
import { decodeJoinAnswer, openGrant, type JoinAnswer, type JoinGrant } from '../../shared/wire/join-answer.ts';
import { sealJoinRequest, type JoinRequest } from '../../shared/wire/join-request.ts';
import { tokenIdOf } from '../../shared/wire/join-token.ts';
import { readKeyedFrame } from '../../shared/wire/keyed-envelope.ts';
import { FakeBus } from './fake-bus.ts';
import type { FleetMaterial, Member } from './fleet-material.ts';
import { boxKeysFrom, bytesFrom, signKeysFrom } from './keys.ts';
import { ManualClock } from './manual-clock.ts';
import { recordingLog } from './recording-log.ts';

/** A server with keys of its own. */
export interface Joiner {
  readonly name: string;
  readonly signer: Signer;
  readonly box: { readonly publicKey: Uint8Array; readonly secret: Uint8Array };
  readonly login: string;
}

export interface DeskToken {
  readonly id: string;
  readonly signer: Signer;
  readonly login: string;
}

export type JoinOutcome = Pick<JoinAnswer, 'outcome' | 'code' | 'reason' | 'now'> & { readonly grant?: JoinGrant };

/** Logins that say what they are for. */
const logins: BusLogins = {
  node: (name, login) => Promise.resolve(`node ${name} ${login}`),
  join: (token, login, expires) => Promise.resolve(`join ${token} ${login} ${expires}`),
};

export class EnrollDesk {
  readonly fleet: FleetMaterial;
  readonly bus: Bus;
  readonly clock: ManualClock;
  readonly log = recordingLog();
  /** What it told, for the audit trail. */
  readonly joins: JoinTold[] = [];
  readonly deeds: AdminTold[] = [];
  readonly uses: UseTaker;
  readonly trust: TrustStore;
  readonly #join: JoinHandler;
  readonly #admin: AdminHandler;
  readonly #admins: Record<string, Member> = {};
  #ids = 0;

  private constructor(fleet: FleetMaterial, issuer: Member, bus: Bus, clock: ManualClock) {
    this.fleet = fleet;
    this.bus = bus;
    this.clock = clock;
    const { fleetId, subjects } = fleet;
    const trust = (this.trust = fleet.trust(clock));
    const store = new EnrollStore({ fleet: fleet.fleet, bus, subjects, trust, issuer });
    this.uses = new UseTaker({ store, log: this.log });
    const shared = {
      fleetId, issuer, store, logins, trust, clock, log: this.log,
      grant: { servers: ['nats://127.0.0.1:4222'] },
      refreshRevocations: () => Promise.resolve(),
    }; // prettier-ignore
    this.#join = new JoinHandler({
      ...shared,
      uses: this.uses,
      onAnswer: (told) => Promise.resolve(void this.joins.push(told)),
    });
    this.#admin = new AdminHandler({
      ...shared,
      roles: ['admin'],
      onAnswer: (told) => Promise.resolve(void this.deeds.push(told)),
    });
  }

  /** Several over one bus are several services of one fleet. */
  static async open(fleet: FleetMaterial, bus: Bus = new FakeBus(), clock = new ManualClock()): Promise<EnrollDesk> {
    return new EnrollDesk(fleet, await fleet.issuer(), bus, clock);
  }

  joiner(name: string, label = name): Joiner {
    return { name, signer: signKeysFrom(label).signer, box: boxKeysFrom(label), login: createLoginKeys().publicKey };
  }

  /** Makes a token, as alice with the role admin. */
  async token(changes: Partial<MakeToken> = {}, label = 'token'): Promise<DeskToken> {
    const { signer } = signKeysFrom(label);
    const login = changes.login ?? createLoginKeys().publicKey;
    const token = { id: tokenIdOf(signer.publicKey), signer, login };
    const { result, reason } = await this.ask({
      type: 'make-token', sign: signer.publicKey, login, lifeMs: 3_600_000, uses: 10, trusted: {}, approval: 'at-once', ...changes,
    }); // prettier-ignore
    if (result === undefined) throw new Error(`no token: ${reason}`);
    return token;
  }

  request(joiner: Joiner, token: DeskToken, changes: Partial<JoinRequest> = {}): JoinRequest {
    const now = this.clock.now();
    return {
      id: bytesFrom(`join/${this.#ids++}`, 16),
      token: token.id,
      name: joiner.name,
      sign: joiner.signer.publicKey,
      box: joiner.box.publicKey,
      login: joiner.login,
      issued: now,
      expires: now + LIMITS.joinRequestLifeMs,
      host: { hostname: joiner.name, os: 'Debian 12', addresses: ['10.0.0.1'] },
      ...changes,
    };
  }

  /** Asks to join, as `fleet-agent join` does. */
  async join(joiner: Joiner, token: DeskToken, changes: Partial<JoinRequest> = {}): Promise<JoinOutcome> {
    const request = this.request(joiner, token, changes);
    const bytes = await sealJoinRequest(this.fleet.fleetId, { token: token.signer, node: joiner.signer }, request);
    const answer = await this.send(bytes);
    if (answer === undefined) throw new Error('no answer');
    const { grant, ...rest } = answer;
    return grant === undefined ? rest : { ...rest, grant: openGrant(joiner.box.secret, grant) };
  }

  /** Any bytes. The answer is checked as who joins checks it. */
  async send(bytes: Uint8Array): Promise<JoinAnswer | undefined> {
    const data = await this.#join.handle({ data: bytes });
    if (data === undefined) return undefined;
    const { payload, signers } = open('enroll', this.fleet.fleetId, data, this.fleet.trust(this.clock));
    const answer = decodeJoinAnswer(payload);
    const asked = sha256(readKeyedFrame(bytes).payload);
    if (signers[0].credential.body.kind !== 'issuer' || Buffer.compare(answer.request, asked) !== 0)
      throw new Error('not the answer to this');
    return answer;
  }

  async ask(question: AdminQuestion, by?: Member, changes: Partial<AdminRequest> = {}): Promise<AdminAnswer> {
    const caller = by ?? (this.#admins['alice'] ??= await this.fleet.operator('alice', { roles: ['admin'] }));
    const now = this.clock.now();
    const request = {
      id: bytesFrom(`ask/${this.#ids++}`, 16),
      issued: now,
      expires: now + 60_000,
      question,
      ...changes,
    };
    const bytes = await seal('enroll-admin', this.fleet.fleetId, caller, encodeAdmin(request), {
      inlineCredential: true,
    });
    const answer = await this.sendAdmin(bytes);
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }

  async sendAdmin(bytes: Uint8Array): Promise<AdminAnswer | undefined> {
    const data = await this.#admin.handle({ data: bytes });
    if (data === undefined) return undefined;
    return decodeAdminAnswer(open('enroll-admin', this.fleet.fleetId, data, this.fleet.trust(this.clock)).payload);
  }

  async tokenUsed(token: DeskToken): Promise<number> {
    const { result } = await this.ask({ type: 'tokens' });
    if (result?.type !== 'tokens') throw new Error('no list');
    return result.tokens.find((one) => one.token === token.id)?.used ?? -1;
  }
}
