/**
 * Every subject of the bus, built and parsed in one place. A subject proves nothing: it routes, and the signed payload
 * says the same again. The table of who may publish and subscribe what is in docs/protocol.md and permissions.ts.
 */
import { createHash } from 'node:crypto';
import { ProtocolError, UsageError } from './errors.ts';
import { LIMITS } from './limits.ts';

const TOKEN_LENGTH = 128;
const PLAIN_TOKEN = /^[a-z0-9_-]{1,128}$/;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** One token of a subject: `[a-z0-9_-]` as it is, other bytes as `=XX`, too long ones as `=h` + base32(sha256). */
export function toToken(text: string): string {
  if (PLAIN_TOKEN.test(text)) return text;
  let token = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    token += /[a-z0-9_-]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (token === '') return '=';
  return token.length <= TOKEN_LENGTH ? token : `=h${base32(createHash('sha256').update(text, 'utf8').digest())}`;
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      text += BASE32[(value >>> (bits - 5)) & 31] ?? '';
      bits -= 5;
    }
    value &= 0xff;
  }
  return bits > 0 ? text + (BASE32[(value << (5 - bits)) & 31] ?? '') : text;
}

const FLEET_NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** @throws UsageError `bad-fleet-name` */
export function assertFleetName(fleet: string): void {
  if (!FLEET_NAME.test(fleet) || fleet.length > LIMITS.fleetNameLength)
    throw new UsageError(`"${fleet}" can't be the name of a fleet`, {
      code: 'bad-fleet-name',
      hint: `Use lower-case letters, digits, - and _, at most ${LIMITS.fleetNameLength} of them.`,
    });
}

/** How a command travels; signed into it. */
export type Via = { kind: 'direct' } | Broadcast;
/** One message for whoever listens. */
export type Broadcast = { kind: 'all' } | { kind: 'fact'; fact: string; value: string };

export function formatVia(via: Via): string {
  return via.kind === 'fact' ? `fact:${via.fact}=${via.value}` : via.kind;
}

/** @throws ProtocolError `malformed` */
export function parseVia(text: string): Via {
  if (text === 'direct' || text === 'all') return { kind: text };
  const match = /^fact:([^=]+)=(.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new ProtocolError('not a way for a command to travel', { code: 'malformed' });
  return { kind: 'fact', fact: match[1], value: match[2] };
}

/** The subjects of one fleet. */
export class Subjects {
  readonly prefix: string;

  constructor(fleet: string) {
    assertFleetName(fleet);
    this.prefix = `fleet.${fleet}`;
  }

  /** Where a command for this node arrives when it travels this way. */
  command(via: Via, node: string): string {
    return via.kind === 'direct' ? this.commandNode(node) : this.commandBroadcast(via);
  }
  commandBroadcast = (via: Broadcast): string =>
    via.kind === 'all' ? this.commandAll() : this.commandFact(via.fact, via.value);
  commandFact = (fact: string, value: string): string => `${this.prefix}.cmd.fact.${toToken(fact)}.${toToken(value)}`;
  commandAll = (): string => `${this.prefix}.cmd.all`;
  commandNode = (node: string): string => `${this.prefix}.cmd.node.${toToken(node)}`;
  control = (): string => `${this.prefix}.ctl.*`;

  result = (caller: string, job: string, node: string): string =>
    `${this.prefix}.res.${toToken(caller)}.${job}.${toToken(node)}`;
  resultsOf = (caller: string, job: string): string => `${this.prefix}.res.${toToken(caller)}.${job}.*`;
  record = (caller: string, job: string, node: string): string =>
    `${this.prefix}.rec.${toToken(caller)}.${job}.${toToken(node)}`;

  /** Where its caller hears what is recorded here. */
  heardAt = (record: string): string => record.replace(`${this.prefix}.rec.`, `${this.prefix}.res.`);

  recordsOf = (caller: string, job: string): string => `${this.prefix}.rec.${toToken(caller)}.${job}.*`;
  records = (): string => `${this.prefix}.rec.*.*.*`;
  /** What a program writes while it runs, beside the answer that is recorded. */
  output = (caller: string, job: string, node: string): string => `${this.record(caller, job, node)}.out`;
  outputsOf = (caller: string, job: string): string => `${this.recordsOf(caller, job)}.out`;
  outputs = (): string => `${this.records()}.out`;

  roster = (node: string): string => `${this.prefix}.roster.${toToken(node)}`;
  rosters = (): string => `${this.prefix}.roster.*`;
  inventoryHead = (node: string): string => `${this.prefix}.inv.${toToken(node)}`;
  inventoryHeads = (): string => `${this.prefix}.inv.*`;
  inventoryBody = (node: string): string => `${this.prefix}.inv.${toToken(node)}.facts`;
  inventoryBodies = (): string => `${this.prefix}.inv.*.facts`;

  /** Where the newest of the signed documents that decide for the whole fleet is stored, and heard of. */
  controlDocument = (kind: ControlDocumentKind): string => `${this.prefix}.ctl.${kind}`;

  /**
   * Where a node or an operator finds its newest credential, when it was issued one for the keys that it has. Among the
   * control documents, which both may read and nodes hear; no kind of those begins so.
   */
  renewal = (kind: 'node' | 'operator' | 'service', name: string): string =>
    `${this.prefix}.ctl.${kind}-${toToken(name)}`;

  nodeAudit = (node: string): string => `${this.prefix}.aud.${toToken(node)}`;
  callerAudit = (caller: string): string => `${this.prefix}.aud.caller.${toToken(caller)}`;
  serviceAudit = (name: string): string => `${this.prefix}.aud.service.${toToken(name)}`;
  audits = (): string => `${this.prefix}.aud.>`;

  job = (caller: string, job: string): string => `${this.prefix}.job.${toToken(caller)}.${job}`;
  /** What is there of one job: its record, or the caller's commands, and what others signed. */
  jobsOf = (caller: string): string => `${this.prefix}.job.${toToken(caller)}.*`;
  approvals = (job: string): string => `${this.prefix}.job.*.${job}`;
  jobs = (): string => `${this.prefix}.job.*.*`;
  /** All that a batch sends, signed up front: for who leads it when its caller is gone. */
  plan = (caller: string, job: string): string => `${this.prefix}.plan.${toToken(caller)}.${job}`;
  plans = (): string => `${this.prefix}.plan.*.*`;
  /** Who leads a batch says here that it is alive. */
  lead = (caller: string, job: string): string => `${this.prefix}.lead.${toToken(caller)}.${job}`;
  leads = (): string => `${this.prefix}.lead.*.*`;

  /** What a node tells of itself; heard by who is there, and stored nowhere. */
  event = (node: string, type: string): string => `${this.prefix}.evt.${toToken(node)}.${type}`;
  eventsOf = (type: string): string => `${this.prefix}.evt.*.${type}`;

  /** What waits for a node that is away. */
  queue = (node: string): string => `${this.prefix}.queue.${toToken(node)}`;
  queues = (): string => `${this.prefix}.queue.*`;

  /** Who has no credential asks here for one. */
  enroll = (): string => `${this.prefix}.svc.enroll`;
  /** Operators make tokens, and decide about requests, here. */
  enrollAdmin = (): string => `${this.prefix}.svc.enroll-admin`;
  /** Which nodes a target means, asked of a service. */
  resolve = (): string => `${this.prefix}.svc.resolve`;
  /** The bus's own word on logins of nodes, as services hear it. */
  connected = (): string => `${this.prefix}.bus.connected`;
  disconnected = (): string => `${this.prefix}.bus.disconnected`;
  /** Whether a service is there that leads batches on. */
  leadQuestion = (): string => `${this.prefix}.svc.lead`;
  enrollToken = (token: string): string => `${this.prefix}.enroll.token.${toToken(token)}`;
  enrollTokens = (): string => `${this.prefix}.enroll.token.*`;
  enrollRequest = (id: string): string => `${this.prefix}.enroll.request.${toToken(id)}`;
  enrollRequests = (): string => `${this.prefix}.enroll.request.*`;
}

/**
 * The documents that decide for the whole fleet, in the order in which they are taken: who the roots are, who is revoked,
 * who may do what.
 */
export const CONTROL_DOCUMENTS = ['roots', 'revoked', 'policy'] as const;
export type ControlDocumentKind = (typeof CONTROL_DOCUMENTS)[number];

/** Inbox prefix of an identity; nats.js appends a random part. */
export const inboxPrefix = (name: string): string => `_INBOX_${toToken(name)}`;

/** Inbox prefix of those who hold a token to join with: each token's own. */
export const joinInboxPrefix = (token: string): string => `_INBOX_join.${toToken(token)}`;

/** Where the bus delivers what somebody reads of a stream: it has to cross from the account that has the streams. */
export const READINGS = '_READ';
/** The readings of an identity; nobody else may listen there. */
export const readPrefix = (name: string): string => `${READINGS}.${toToken(name)}`;
