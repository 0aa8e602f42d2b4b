/** Tells who leads a job that its caller has cancelled it, from wherever that was. */
import type { Bus, Subscription } from '../../shared/bus.ts';
import { FleetError } from '../../shared/errors.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { StopCause } from '../batch/schedule.ts';
import { neverStarted } from './job-view.ts';
import { openFrame } from './open-frame.ts';

export function hearCancel(
  { caller, job }: { readonly caller: string; readonly job: string },
  { bus, fleet, subjects, trust }: { bus: Bus; fleet: string; subjects: Subjects; trust: TrustStore },
  onCancelled: (cause: StopCause) => void,
): Promise<Subscription> {
  const { code, reason } = neverStarted(caller);
  return bus.follow(jobStream(fleet), subjects.job(caller, job), (stored) => {
    try {
      const { type } = openFrame(stored, { subjects, fleetId: trust.fleetId, credentials: trust });
      if (type === 'cancelled') onCancelled({ code, reason });
    } catch (error) {
      // Whoever reads the record leaves it out, too.
      if (!(error instanceof FleetError)) throw error;
    }
  });
}
