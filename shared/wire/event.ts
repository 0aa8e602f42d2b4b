/**
 * What a node tells of itself to whoever listens: that its agent has started, and that it is leaving. Heard, and stored
 * nowhere. It's a hint: nothing is concluded from it but that asking now is worth it.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Subjects } from '../subjects.ts';
import { open, seal, type CredentialSource, type SignerIdentity } from './envelope.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';

export const NODE_EVENTS = ['started', 'leaving'] as const;
export type NodeEventType = (typeof NODE_EVENTS)[number];

const NodeEvent = ReservedFields.extend({
  /** The subject it is published under. */
  subject: z.string().max(512),
  node: z.string().min(1).max(LIMITS.nodeNameLength),
  type: z.enum(NODE_EVENTS),
  /** Of the machine: another after each boot. */
  boot: z.string().max(128),
  /** Of the agent's program. */
  version: z.string().max(64),
  /** The node's clock. */
  at: Moment,
});
export type NodeEvent = z.infer<typeof NodeEvent>;

const EVENT_FIELDS: ReadonlySet<string> = new Set(['subject', 'node', 'type', 'boot', 'version', 'at']);

/** By the hash of its credential alone, but while that is new: who listens has read the roster. */
export function sealEvent(fleetId: string, identity: SignerIdentity, event: NodeEvent): Promise<Uint8Array> {
  return seal('event', fleetId, identity, encode(event), { inlineCredential: identity.spellOut === true });
}

export interface EventReader {
  readonly fleetId: string;
  readonly subjects: Subjects;
  readonly credentials: CredentialSource;
}

/** @throws ProtocolError for what isn't that node's own word */
export function openEvent(
  message: { readonly subject: string; readonly data: Uint8Array },
  { credentials, fleetId, subjects }: EventReader,
): NodeEvent {
  const { payload, signers } = open('event', fleetId, message.data, credentials);
  const parsed = NodeEvent.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not an event', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, EVENT_FIELDS);
  const { node, subject, type } = parsed.data;
  const { kind, name } = signers[0].credential.body;
  if (kind !== 'node' || name !== node || subject !== message.subject || subjects.event(node, type) !== subject)
    throw new ProtocolError('not from the node that it speaks for', { code: 'misrouted' });
  return parsed.data;
}
