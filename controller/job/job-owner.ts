/** Whose key signed a job's commands, as its record proves it: nodes tell commands by that key. */
import { FleetError, UsageError } from '../../shared/errors.ts';
import { jobStream } from '../../shared/streams.ts';
import { open } from '../../shared/wire/envelope.ts';
import type { JobFrames } from './job-view.ts';
import { readFrame, type JobReader } from './read-job.ts';

/** @throws UsageError `no-such-job`; TransportError */
export async function readOwner({ begun: { caller, job } }: JobFrames, reader: JobReader): Promise<Uint8Array> {
  const { bus, fleet, subjects, trust } = reader;
  let owner: Uint8Array | undefined;
  await bus.read(jobStream(fleet), subjects.job(caller, job), (stored) => {
    if (owner !== undefined || readFrame(stored, reader)?.type !== 'begun') return;
    try {
      owner = open('job', trust.fleetId, stored.data, trust).signers[0].credential.body.sign;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
    }
  });
  if (owner === undefined) throw new UsageError(`there is no record of job ${job}`, { code: 'no-such-job' });
  return owner;
}
