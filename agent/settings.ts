/** The agent's configuration file, compiled once into complete settings with absolute paths. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { DURATION_EXPECTED, readDuration } from '../shared/duration.ts';
import { LIMITS } from '../shared/limits.ts';
import { ServerUrl } from '../shared/server-url.ts';
import { readSettings } from '../shared/settings-file.ts';
import { parsePath } from '../shared/where/paths.ts';
import { toFacts } from './facts/fact-value.ts';

const MEGABYTE = 1024 * 1024;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const AgentFile = z.strictObject({
  /** Addresses of the bus: `nats://host:4222`, or `tls://host:4222`. */
  servers: z.array(ServerUrl).min(1),
  tls: z.strictObject({ caFile: z.string().optional() }).optional(),
  /** Keys and credential of this node. */
  identity: z.string().default('identity.json'),
  /** What survives a restart: replay memory, revision, collected facts. */
  stateDir: z.string().default('state'),
  policy: z.string().default('policy.yaml'),
  tasksDir: z.string().default('tasks.d'),
  factsDir: z.string().default('facts.d'),
  /** Facts set here win over collected ones. */
  facts: z.record(z.string(), z.unknown()).superRefine(checkFacts).default({}),
  /** Facts by which commands may be routed to this node. */
  indexed: z
    .array(z.string().max(LIMITS.factPathBytes).superRefine(checkPath))
    .max(LIMITS.indexedFacts)
    .default(['role']),
  logLevel: z.enum(LOG_LEVELS).default('info'),
  jsDomain: z.string().optional(),
  /** What waits for a bus that is away: how much of it, and for how long. */
  outbox: z
    .strictObject({
      maxMegabytes: z
        .number()
        .min(LIMITS.outboxMinBytes / MEGABYTE)
        .max(LIMITS.outboxMaxBytes / MEGABYTE)
        .default(LIMITS.outboxBytes / MEGABYTE),
      maxAge: z.string().superRefine(checkAge).default('7d'),
    })
    .prefault({}),
  /** What programs print, until the bus has it: how much of it, and for how long. */
  spool: z
    .strictObject({
      maxMegabytes: z
        .number()
        .min(LIMITS.spoolMinBytes / MEGABYTE)
        .max(LIMITS.spoolMaxBytes / MEGABYTE)
        .default(LIMITS.spoolBytes / MEGABYTE),
      maxAge: z.string().superRefine(checkAge).default('7d'),
    })
    .prefault({}),
  /** Whose files `fleet logs` may read; the journal is read by whoever may as the agent's user. */
  logs: z.strictObject({ folders: z.array(z.string().startsWith('/')).max(64).default(['/var/log']) }).prefault({}),
  /** For embedded fleets: see and signal only processes whose environment carries this. */
  processScope: z.strictObject({ variable: z.string().min(1), value: z.string().min(1) }).optional(),
});

export type AgentSettings = Omit<z.infer<typeof AgentFile>, 'outbox' | 'spool'> & {
  readonly outbox: { readonly maxBytes: number; readonly maxAgeMs: number };
  readonly spool: { readonly maxBytes: number; readonly maxAgeMs: number };
};

/** @throws SettingsError */
export async function readAgentSettings(path: string): Promise<AgentSettings> {
  const settings = await readSettings(path, 'agent configuration', AgentFile);
  const folder = dirname(resolve(path));
  const inFolder = (file: string): string => resolve(folder, file);
  return Object.freeze({
    ...settings,
    identity: inFolder(settings.identity),
    stateDir: inFolder(settings.stateDir),
    policy: inFolder(settings.policy),
    tasksDir: inFolder(settings.tasksDir),
    factsDir: inFolder(settings.factsDir),
    outbox: {
      maxBytes: settings.outbox.maxMegabytes * MEGABYTE,
      maxAgeMs: readDuration(settings.outbox.maxAge) ?? LIMITS.outboxAgeMs,
    },
    spool: {
      maxBytes: settings.spool.maxMegabytes * MEGABYTE,
      maxAgeMs: readDuration(settings.spool.maxAge) ?? LIMITS.spoolAgeMs,
    },
    ...(settings.tls?.caFile === undefined ? {} : { tls: { caFile: inFolder(settings.tls.caFile) } }),
  });
}

/** What the fact store would not take. */
function checkFacts(facts: Record<string, unknown>, context: z.RefinementCtx): void {
  addProblem(context, () => toFacts(facts));
}

function checkAge(text: string, context: z.RefinementCtx): void {
  if (readDuration(text) === undefined) context.addIssue({ code: 'custom', message: `expected ${DURATION_EXPECTED}` });
}

function checkPath(path: string, context: z.RefinementCtx): void {
  addProblem(context, () => parsePath(path));
}

function addProblem(context: z.RefinementCtx, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    // One line: a syntax error shows the text and points into it in the lines after.
    context.addIssue({ code: 'custom', message: (error as Error).message.split('\n')[0] ?? '' });
  }
}
