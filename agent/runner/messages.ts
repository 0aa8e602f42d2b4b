/**
 * What an agent and its runner say to each other, one line of JSON each, over the socket in the state folder. The runner
 * may be older than the agent: it was started by the one before an upgrade. So a message may gain fields, and a change
 * of meaning is a new `RUNNER_PROTOCOL`.
 */
import * as z from 'zod';
import { Ended } from '../spool/run-record.ts';

export const RUNNER_PROTOCOL = 1;

/** In the state folder. */
export const RUNNER_SOCKET = 'runner.sock';

/** In the state folder: one folder for each run. */
export const SPOOL_FOLDER = 'spool';

/** Hex: it becomes the name of a folder, and a mark in the environment of the program. */
const RunId = z.string().regex(/^[0-9a-f]{24}$/);

const Text = z.record(z.string(), z.string());

const Start = z.object({
  type: z.literal('start'),
  run: RunId,
  job: z.string(),
  /** Written down with it, for the next agent. */
  origin: z.unknown().optional(),
  request: z.object({
    argv: z.array(z.string()),
    shell: z.boolean().optional(),
    user: z.string().optional(),
    cwd: z.string().optional(),
    env: Text.optional(),
    stdin: z.string().optional(),
  }),
  /** What every program of this agent gets; see ProgramHost. */
  environment: Text,
  marks: Text,
  graceMs: z.number(),
  timeoutMs: z.number(),
  /** What must not be seen in its output, nor be written down. */
  secrets: z.array(z.string()),
});
export type Start = z.infer<typeof Start>;

/** As in OutputSource. */
const Stream = z.object({ bytes: z.number(), droppedBytes: z.number(), releasedBytes: z.number() });
const Streams = z.object({ stdout: Stream, stderr: Stream });
export type Streams = z.infer<typeof Streams>;

export const ToRunner = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.number(),
    /** Bytes that all output on the disk may take, and how old it may get. */
    maxBytes: z.number(),
    maxAgeMs: z.number(),
  }),
  Start,
  z.object({ type: z.literal('end'), run: RunId, why: z.enum(['timeout', 'cancelled']) }),
  z.object({ type: z.literal('release'), run: RunId, stream: z.enum(['stdout', 'stderr']), offset: z.number() }),
  /** Its end is known: nothing of it is needed any more. */
  z.object({ type: z.literal('forget'), run: RunId }),
]);
export type ToRunner = z.infer<typeof ToRunner>;

export const FromRunner = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.number(),
    pid: z.number(),
    /** Of the program, for people. */
    version: z.string(),
    /** What runs, or has ended and could not be written down. */
    runs: z.array(z.object({ run: RunId, streams: Streams })),
  }),
  z.object({ type: z.literal('output'), run: RunId, streams: Streams }),
  z.object({
    type: z.literal('ended'),
    run: RunId,
    streams: Streams,
    end: Ended,
    /** Whether it's on the disk: a full one has no room even for that. */
    isKept: z.boolean(),
  }),
]);
export type FromRunner = z.infer<typeof FromRunner>;
