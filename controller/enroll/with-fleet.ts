/** What the commands about joining share: a connection to the fleet for as long as their work takes. */
import { LIMITS } from '../../shared/limits.ts';
import type { App } from '../app.ts';
import type { Fleet } from '../fleet.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';

export async function withFleet<T>(flags: GlobalFlags, app: App, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const context = await openContext(app, flags);
  const fleet = await openFleet(app, context, { notice: (line) => app.stderr.write(`fleet: ${line}\n`) });
  const patience = setTimeout(
    () => app.stderr.write(`fleet: the enrolment service has not answered yet; still waiting\n`),
    LIMITS.enrollNoticeMs,
  );
  try {
    return await work(fleet);
  } finally {
    clearTimeout(patience);
    await fleet.close();
  }
}
