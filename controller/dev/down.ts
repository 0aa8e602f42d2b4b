/** Ends everything that belongs to the embedded fleet, and removes its folder. Works on what an interrupted run left. */
import { existsSync, rmSync } from 'node:fs';
import { readState } from './embedded-state.ts';
import { endMarked } from './marked-processes.ts';

/** Expects the lock to be held. @returns how many processes were ended; undefined when there was nothing at all. */
export async function down(folder: string): Promise<number | undefined> {
  if (!existsSync(folder)) return undefined;
  const state = readState(folder);
  // The bus goes last: agents say goodbye to it.
  const ended = state === undefined ? 0 : await endMarked(state.mark, [state.natsPid]);
  rmSync(folder, { recursive: true, force: true });
  return state === undefined ? undefined : ended;
}
