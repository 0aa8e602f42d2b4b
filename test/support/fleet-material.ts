/**
 * A fleet in memory: root, issuer, operators and nodes with keys and credentials that follow from their names. What
 * `fleet init` and `fleet ca issue` make, without files and without chance.
 */
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { fleetIdOf, sha256, type Signer } from '../../shared/signing.ts';
import type { TravellingPolicy } from '../../shared/policy/policy.ts';
import { Subjects } from '../../shared/subjects.ts';
import { sealPolicy } from '../../shared/take-policy.ts';
import { TrustStore } from '../../shared/trust.ts';
import { encodeCommand, type Command } from '../../shared/wire/command.ts';
import { issueCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import { addApproval, approve, open, seal } from '../../shared/wire/envelope.ts';
import { encodeRevocations, type RevocationEntry } from '../../shared/wire/revocations.ts';
import { encodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import { boxKeysFrom, bytesFrom, serialFrom, signKeysFrom } from './keys.ts';
import { ManualClock, NOW } from './manual-clock.ts';

const ALL_FOR_OPERATORS: TravellingPolicy = {
  version: 1,
  roles: { operator: { allow: [{ actions: ['*'], tasks: ['*'] }] } },
};

export const DAY_MS = 24 * 60 * 60_000;

export interface Member {
  readonly signer: Signer;
  readonly credential: Credential;
  readonly signSeed: Uint8Array;
  readonly boxSecret: Uint8Array;
}

export type BodyChanges = Partial<Omit<CredentialBody, 'issuer'>>;

export class FleetMaterial {
  readonly fleet: string;
  readonly label: string;
  readonly now: number;
  readonly root: Signer;
  readonly fleetId: string;
  readonly subjects: Subjects;
  readonly #issuer: Promise<Member>;

  /** Another label is another fleet, of whatever name. */
  constructor(options: { fleet?: string; label?: string; now?: number; issuerLimits?: CredentialBody['limits'] } = {}) {
    this.fleet = options.fleet ?? 'main';
    this.label = options.label ?? 'a';
    this.now = options.now ?? NOW;
    this.root = signKeysFrom(`${this.label}/root`).signer;
    this.fleetId = fleetIdOf(this.root.publicKey);
    this.subjects = new Subjects(this.fleet);
    this.#issuer = this.issue(
      'issuer',
      'issuer',
      { limits: options.issuerLimits ?? { kinds: ['node', 'join'] } },
      null,
    );
  }

  /** The online issuer: of nodes, and of nothing else. */
  issuer(): Promise<Member> {
    return this.#issuer;
  }

  /** Issued by the online issuer. */
  async node(name: string, changes: BodyChanges = {}): Promise<Member> {
    return this.issue('node', name, changes, await this.#issuer);
  }

  /** Issued by the root. */
  operator(name: string, changes: BodyChanges = {}): Promise<Member> {
    return this.issue('operator', name, { roles: ['operator'], ...changes }, null);
  }

  /** One that may lead jobs, issued by the root. */
  service(name: string, changes: BodyChanges = {}): Promise<Member> {
    return this.issue('service', name, { roles: ['controller'], ...changes }, null);
  }

  /** `by` null is the root. */
  async issue(
    kind: CredentialBody['kind'],
    name: string,
    changes: BodyChanges = {},
    by: Pick<Member, 'signer' | 'credential'> | null = null,
  ): Promise<Member> {
    const label = `${this.label}/${kind}/${name}`;
    const { seed, signer } = signKeysFrom(label);
    const box = boxKeysFrom(label);
    const credential = await issueCredential(this.fleetId, by ?? { signer: this.root }, {
      serial: serialFrom(label),
      kind,
      name,
      sign: signer.publicKey,
      box: box.publicKey,
      roles: [],
      limits: {},
      trusted: {},
      notBefore: this.now - DAY_MS,
      notAfter: this.now + 30 * DAY_MS,
      ...changes,
    });
    return { signer, credential, signSeed: seed, boxSecret: box.secret };
  }

  trust(clock: Clock, remembered?: number): TrustStore {
    return new TrustStore(
      { fleetId: this.fleetId, roots: [this.root.publicKey], ...(remembered === undefined ? {} : { remembered }) },
      { clock },
    );
  }

  /** A command that nodes take, but for the changes; its id follows from `label`. */
  command(label: string, changes: Partial<Command> = {}): Command {
    return {
      id: bytesFrom(`command/${label}`, 16),
      job: '01kezzzzzzzzzzzzzzzzzzzzzz',
      kind: 'command',
      issued: this.now,
      expires: this.now + LIMITS.commandLifeMs,
      startBy: this.now + LIMITS.commandLifeMs,
      target: { nodes: ['db1'] },
      via: 'direct',
      action: 'ping',
      args: {},
      reply: 'res',
      options: {},
      ...changes,
    };
  }

  sealCommand(command: Command, by: Member, inlineCredential = true): Promise<Uint8Array> {
    return seal('command', this.fleetId, by, encodeCommand(command), { inlineCredential });
  }

  /** With the signatures of who approved it. */
  async sealApproved(command: Command, by: Member, approvers: readonly Member[]): Promise<Uint8Array> {
    const trust = this.trust(new ManualClock(this.now));
    let message = await this.sealCommand(command, by);
    const opened = open('command', this.fleetId, message, trust);
    for (const approver of approvers)
      message = addApproval(this.fleetId, message, await approve(this.fleetId, approver, opened), trust);
    return message;
  }

  /** Everything for operators, signed by ada, who is an admin. */
  async sealPolicy(
    changes: { policy?: TravellingPolicy; by?: Member; revision?: number; subject?: string; source?: string } = {},
  ): Promise<Uint8Array> {
    const { policy = ALL_FOR_OPERATORS, revision = this.now } = changes;
    const by = changes.by ?? (await this.operator('ada', { roles: ['admin'] }));
    const subject = changes.subject ?? this.subjects.controlDocument('policy');
    const source = changes.source ?? JSON.stringify(policy);
    return sealPolicy(this.fleetId, by, { subject, revision, policy, source });
  }

  async sealRoster(
    node: Member,
    changes: Partial<RosterEntry> & { by?: Pick<Member, 'signer' | 'credential'> } = {},
  ): Promise<Uint8Array> {
    const { name } = node.credential.body;
    const { by = await this.#issuer, ...entry } = changes;
    const payload = encodeRosterEntry({
      subject: this.subjects.roster(name),
      revision: this.now,
      node: name,
      state: 'joined',
      credential: node.credential.bytes,
      ...entry,
    });
    return seal('roster', this.fleetId, by, payload, { inlineCredential: true });
  }

  /** By the online issuer, unless somebody else says it. */
  async sealRevocations(
    entries: readonly RevocationEntry[],
    options: { revision?: number; by?: Pick<Member, 'signer' | 'credential'>; subject?: string } = {},
  ): Promise<Uint8Array> {
    const { revision = 1, by = await this.#issuer, subject = this.subjects.controlDocument('revoked') } = options;
    const payload = encodeRevocations({ subject, revision, entries: [...entries] });
    return seal('revocation', this.fleetId, by, payload, { inlineCredential: true });
  }
}

/** An entry that revokes a credential by its serial. */
export function bySerial({ credential: { body } }: Pick<Member, 'credential'>, reason?: string): RevocationEntry {
  const { kind, name, serial } = body;
  return {
    serial,
    kind,
    name,
    since: body.notBefore,
    until: body.notAfter,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** An entry that revokes the signing key of a credential. */
export function byKey({ credential: { body } }: Pick<Member, 'credential'>): RevocationEntry {
  return { key: sha256(body.sign), since: body.notBefore, until: body.notAfter };
}
