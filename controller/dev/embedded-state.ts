/** Whether an embedded fleet is up, which one, and where: a small file beside its folders. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { isMarked } from './marked-processes.ts';

const EmbeddedService = z.strictObject({
  pid: z.number().int(),
  /** Where its health and metrics are. */
  url: z.string(),
});
export type EmbeddedService = z.infer<typeof EmbeddedService>;

const StateFile = z.strictObject({
  version: z.literal(1),
  /** In the environment of every process of this fleet. */
  mark: z.string(),
  /** Written last: without it the start was interrupted, and what there is of it is only to be ended. */
  ready: z.boolean(),
  server: z.string(),
  natsPid: z.number().int(),
  /** How many nodes are emulated beside those. */
  emulated: z.number().int().nonnegative().default(0),
  /** Where there is one. */
  service: EmbeddedService.optional(),
  nodes: z.array(z.strictObject({ name: z.string(), pid: z.number().int(), processes: z.array(z.number().int()) })),
});
export type EmbeddedState = z.infer<typeof StateFile>;

export const stateFile = (folder: string): string => join(folder, 'embedded.json');

/** What the last `dev up` wrote, whether or not anything of it still runs. */
export function readState(folder: string): EmbeddedState | undefined {
  try {
    const parsed = StateFile.safeParse(JSON.parse(readFileSync(stateFile(folder), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Held while it is started or ended; beside the folder, which comes and goes. */
export const lockFile = (folder: string): string => `${folder}.lock`;

/** Up means that it came up whole and its bus runs; a node that died is for `dev status` to tell. */
export function isUp(folder: string): boolean {
  const state = readState(folder);
  return state !== undefined && state.ready && isMarked(state.natsPid, state.mark);
}
