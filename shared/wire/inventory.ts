/**
 * What a node publishes about itself, and keeps current: a small head (identity, indexed facts, hashes, revision) and a
 * body (facts, actions, tasks). Both travel as signed envelopes that name their own subject.
 */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { assertUnderstood, ReservedFields, type Critical } from './reserved-fields.ts';
import { bytesOf } from './signed-bytes.ts';

/** What a task parameter may be; text from a command line is converted to the declared type before it's sent. */
export const ParameterValue = z.union([z.string(), z.number(), z.boolean()]);
export type ParameterValue = z.infer<typeof ParameterValue>;

export const PARAMETER_TYPES = ['string', 'integer', 'number', 'boolean'] as const;

export const TaskParameter = z.object({
  type: z.enum(PARAMETER_TYPES),
  description: z.string().optional(),
  required: z.boolean().optional(),
  default: ParameterValue.optional(),
  /** The only values allowed. */
  choices: z.array(ParameterValue).optional(),
  /** RE2 pattern that the whole text has to match; strings only. */
  pattern: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** Whether text may begin with `-`: true where the task says so, or where it never begins an argument. */
  allowLeadingDash: z.boolean().optional(),
  /** Comes sealed, and is never shown; text without a default. */
  sensitive: z.boolean().optional(),
});
export type TaskParameter = z.infer<typeof TaskParameter>;

/** A task as the controller sees it: enough to check arguments before anything is sent. */
export const TaskSummary = z.object({
  name: z.string().max(LIMITS.taskNameBytes),
  description: z.string().optional(),
  /** Whether running it changes something; decides whether it needs named nodes. */
  changes: z.boolean(),
  /** Whether `--dry-run` has a check to run. */
  check: z.boolean(),
  timeoutMs: z.number().optional(),
  parameters: z.record(z.string(), TaskParameter),
});
export type TaskSummary = z.infer<typeof TaskSummary>;

/** Small enough to read for ten thousand nodes: what is indexed, and what changed since the body was read last. */
export const InventoryHead = ReservedFields.extend({
  subject: z.string().max(512),
  /** Only ever grows; a reader keeps the highest it has seen. */
  revision: z.number().int().nonnegative(),
  node: z.string().min(1).max(LIMITS.nodeNameLength),
  /** Protocol versions that the node speaks, and the version of its agent. */
  protocol: z.array(z.number().int()),
  agent: z.string().max(64),
  indexed: z.record(z.string(), z.unknown()),
  /** SHA-256 of the body's payload, and of the list of actions and tasks in it. */
  facts: bytesOf(32),
  schemas: bytesOf(32),
});
export type InventoryHead = z.infer<typeof InventoryHead>;

export const InventoryBody = ReservedFields.extend({
  subject: z.string().max(512),
  revision: z.number().int().nonnegative(),
  node: z.string().min(1).max(LIMITS.nodeNameLength),
  facts: z.record(z.string(), z.unknown()),
  /** Facts, by canonical path, for each text of which the node hears commands. @default none */
  indexed: z.array(z.string().max(LIMITS.factPathBytes)).max(LIMITS.indexedFacts).optional(),
  /** Paths that the node has and that are not kept here, because they change by the minute. */
  volatile: z.array(z.string().max(LIMITS.factPathBytes)),
  actions: z.array(z.string().max(128)),
  tasks: z.array(TaskSummary),
  /** Task files that were not accepted. */
  taskProblems: z.array(z.object({ source: z.string(), reason: z.string() })).optional(),
});
export type InventoryBody = z.infer<typeof InventoryBody>;

const INVENTORY_FIELDS: ReadonlySet<string> = new Set([
  'subject', 'revision', 'node', 'protocol', 'agent', 'indexed', 'facts', 'schemas', 'volatile', 'actions', 'tasks',
  'taskProblems',
]); // prettier-ignore

export function encodeInventory(entry: InventoryHead | InventoryBody): Uint8Array {
  return encode(entry);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeInventoryHead(payload: Uint8Array): InventoryHead {
  return check(InventoryHead, payload);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeInventoryBody(payload: Uint8Array): InventoryBody {
  return check(InventoryBody, payload);
}

function check<T extends Critical>(schema: z.ZodType<T>, payload: Uint8Array): T {
  const parsed = schema.safeParse(decode(payload));
  if (!parsed.success) throw new ProtocolError('not an inventory entry', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, INVENTORY_FIELDS);
  return parsed.data;
}
