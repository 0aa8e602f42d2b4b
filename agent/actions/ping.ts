/** Answers. */
import { ping } from '../../shared/actions/ping.ts';
import type { Clock } from '../../shared/clock.ts';
import { VERSION } from '../../shared/version.ts';
import { implement, type RunnableAction } from './action.ts';

export function pingAction({ clock }: { clock: Clock }): RunnableAction {
  const startedAt = clock.monotonic();
  return implement(ping, () =>
    Promise.resolve({
      state: 'ok',
      data: { version: VERSION, uptimeMs: Math.round(clock.monotonic() - startedAt) },
    }),
  );
}
