/** Answers. */
import { ping } from '../../shared/actions/ping.ts';
import type { Clock } from '../../shared/clock.ts';
import { VERSION } from '../../shared/version.ts';
import { implement, type RunnableAction } from './action.ts';

export interface PingActionDependencies {
  readonly clock: Clock;
  /** Revisions of the documents of the fleet that hold here. */
  readonly epochs: () => { readonly policy: number; readonly revoked: number };
}

export function pingAction({ clock, epochs }: PingActionDependencies): RunnableAction {
  const startedAt = clock.monotonic();
  return implement(ping, () =>
    Promise.resolve({
      state: 'ok',
      data: { version: VERSION, uptimeMs: Math.round(clock.monotonic() - startedAt), epochs: epochs() },
    }),
  );
}
