/** The state folder of an agent: taken by one agent at a time, and without it nothing may run. */
import type { Clock } from '../shared/clock.ts';
import { SettingsError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { ReplayMemory } from './replay/replay-memory.ts';
import { StateLock } from './state-lock.ts';

export async function takeLock(stateDir: string, bootId: string): Promise<StateLock> {
  try {
    return await StateLock.take({ stateDir, bootId });
  } catch (cause) {
    throw cause instanceof SettingsError ? cause : stateUnusable(stateDir, cause);
  }
}

export async function openMemory(
  stateDir: string,
  bootId: string,
  dependencies: { readonly clock: Clock; readonly log: Logger },
): Promise<ReplayMemory> {
  try {
    return await ReplayMemory.open({ stateDir, bootId }, dependencies);
  } catch (cause) {
    throw stateUnusable(stateDir, cause);
  }
}

export function stateUnusable(stateDir: string, cause: unknown): SettingsError {
  return new SettingsError(
    `the state folder ${stateDir} can't be written (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
    {
      code: 'state-unusable',
      hint: 'An agent that can not remember what it ran may not run anything: give it a folder of its own on a disk with room.',
      cause,
    },
  );
}
