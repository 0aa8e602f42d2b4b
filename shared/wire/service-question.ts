/**
 * What operators ask the controller service, and its answers: whom a target means, and who is away. The service's word is
 * never enough to act on: roster entries come along as they are stored, and whoever asked looks at them himself.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { Bytes, bytesOf } from './signed-bytes.ts';

const NodeName = z.string().min(1).max(LIMITS.nodeNameLength);
/** A name, a glob, a folded set or a pattern, as `--node` takes it. */
const Selector = z.string().min(1).max(LIMITS.patternBytes);
const Sequence = z.number().int().nonnegative();

const ServiceQuestion = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('resolve'),
    where: z.string().max(LIMITS.whereBytes).optional(),
    /** Any of them holds within one list; every list has to. */
    nodes: z.array(z.array(Selector).max(LIMITS.resolveSelectors)).max(LIMITS.resolveLists),
    exclude: z.array(Selector).max(LIMITS.resolveSelectors),
    /** Those behind this name: where one answer hadn't room for all. */
    after: NodeName.optional(),
  }),
  /** Of these nodes, where they are. */
  z.object({ type: z.literal('presence'), nodes: z.array(NodeName).max(LIMITS.directNodes) }),
]);
export type ServiceQuestion = z.infer<typeof ServiceQuestion>;

const ServiceRequest = ReservedFields.extend({
  /** 128 random bits. */
  id: bytesOf(16),
  issued: Moment,
  expires: Moment,
  question: ServiceQuestion,
});
export type ServiceRequest = z.infer<typeof ServiceRequest>;

const Resolved = z.object({
  type: z.literal('resolved'),
  /** In order of name. */
  nodes: z.array(
    z.object({
      node: NodeName,
      /** Its roster entry: the envelope, as it is stored. */
      entry: Bytes,
      /** Only the node itself can tell whether it matches. */
      undecided: z.literal(true).optional(),
    }),
  ),
  /** There are others behind the last of these. */
  more: z.boolean(),
  /** How many are meant, in all answers together. */
  total: z.number().int().nonnegative(),
  /** Nodes of the fleet that aren't retired. */
  fleetSize: z.number().int().nonnegative(),
  /** Numbers, in the inventory stream, of the newest entries that the service has seen: of the roster, and of facts. */
  rosterSequence: Sequence,
  factsSequence: Sequence,
});

const Presence = z.object({
  type: z.literal('presence'),
  /** Those of whom the service knows. */
  nodes: z.array(
    z.object({
      node: NodeName,
      isThere: z.boolean(),
      since: Moment,
      /** It was found so at that time, and may have been for longer. */
      isFound: z.literal(true).optional(),
    }),
  ),
});

const ServiceResult = z.discriminatedUnion('type', [Resolved, Presence]);
export type ServiceResult = z.infer<typeof ServiceResult>;

const ServiceAnswer = ReservedFields.extend({
  /** SHA-256 of the payload that is answered. */
  request: bytesOf(32),
  /** The service's clock. */
  now: Moment,
  /** Where there is no result. */
  code: z.string().max(64).optional(),
  reason: z.string().max(1024).optional(),
  result: ServiceResult.optional(),
});
export type ServiceAnswer = z.infer<typeof ServiceAnswer>;

const REQUEST_FIELDS: ReadonlySet<string> = new Set(['id', 'issued', 'expires', 'question']);
const ANSWER_FIELDS: ReadonlySet<string> = new Set(['request', 'now', 'code', 'reason', 'result']);

export function encodeService(message: ServiceRequest | ServiceAnswer): Uint8Array {
  return encode(message);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeServiceRequest(payload: Uint8Array): ServiceRequest {
  const parsed = ServiceRequest.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not a question to the service', { code: 'malformed' });
  assertUnderstood(parsed.data, REQUEST_FIELDS);
  return parsed.data;
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeServiceAnswer(payload: Uint8Array): ServiceAnswer {
  const parsed = ServiceAnswer.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not an answer of the service', { code: 'malformed' });
  assertUnderstood(parsed.data, ANSWER_FIELDS);
  return parsed.data;
}
