/** When a service says how a job ended: not while its caller may, nor while a node may still say something. */
import { afterEach, describe, expect, it } from 'vitest';
import { openFrame } from '../../../../controller/job/open-frame.ts';
import { JobEnding } from '../../../../controller/service/job-ending.ts';
import { Metrics } from '../../../../controller/service/metrics.ts';
import type { ServiceContext } from '../../../../controller/service/part.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { seal } from '../../../../shared/wire/envelope.ts';
import { encodeJobFrame, type JobFrame } from '../../../../shared/wire/job.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { waitFor } from '../../../support/wait-for.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const one = await fleet.service('one');
const subject = fleet.subjects.job('alice', '01k');
const UNTIL = NOW + 60_000;
const OVER_MS = 60_000 + LIMITS.deadlineGraceMs + LIMITS.jobEndQuietMs;
const head = { subject, revision: 1, job: '01k', caller: 'alice' };
const begun: JobFrame = {
  ...head,
  type: 'begun',
  command: 'exec',
  action: 'exec',
  effect: 'changes',
  args: {},
  target: {},
  expected: ['db1', 'db2'],
  messages: [{ id: new Uint8Array(16), payload: new Uint8Array(32), nodes: [0, 1] }],
  issued: NOW,
  startBy: NOW + 7_000,
  until: UNTIL,
};

/** Counts how often the bus was asked for the newest answer. */
class CountingBus extends FakeBus {
  looks = 0;
  override newestSequence(stream: string, filter: string): Promise<number> {
    this.looks++;
    return super.newestSequence(stream, filter);
  }
}

let part: JobEnding | undefined;
afterEach(() => part?.stop());

async function serve(...frames: readonly JobFrame[]) {
  const bus = new CountingBus();
  const clock = new ManualClock();
  const say = async (frame: JobFrame): Promise<unknown> =>
    bus.store(subject, await seal('job', fleet.fleetId, alice, encodeJobFrame(frame), { inlineCredential: true }));
  for (const frame of frames) await say(frame);
  const trust = fleet.trust(clock);
  const context = {
    fleet: fleet.fleet,
    bus,
    clock,
    log: recordingLog(),
    subjects: fleet.subjects,
    trust,
    metrics: new Metrics(),
    identity: { ...one, name: 'one', fleetId: fleet.fleetId, roots: [fleet.root.publicKey] },
    control: { state: { rootsEver: [] } },
    directory: { roster: new Map() },
  } as unknown as ServiceContext;
  part = new JobEnding(context);
  await part.start();
  const reader = { subjects: fleet.subjects, fleetId: fleet.fleetId, credentials: trust };
  const written = (): JobFrame[] => bus.history.map((stored) => openFrame(stored, reader));
  /** Everything has been looked at since. */
  const looked = async (): Promise<void> => {
    const before = bus.looks;
    await waitFor(() => bus.looks > before + 1, { what: 'the service to look twice', timeoutMs: 20_000 });
  };
  return { bus, clock, written, looked, say };
}
const ended = (frames: readonly JobFrame[]): unknown => frames.find(({ type }) => type === 'ended');

describe('a job whose caller is silent', () => {
  it('has no end while its nodes may still say something, and is lost when their time is over', async () => {
    const { clock, looked, written } = await serve(begun);
    clock.advance(OVER_MS - 1);
    await looked();
    expect(written()).toHaveLength(1);
    clock.advance(2);
    await waitFor(() => ended(written()) !== undefined, { what: 'the end', timeoutMs: 20_000 });
    expect(ended(written())).toMatchObject({
      by: 'one',
      caller: 'alice',
      revision: 2,
      exit: 4,
      states: { lost: 2 },
      verdicts: [{ state: 'lost', nodes: [0, 1] }],
    });
  });

  it('has nodes that stayed away expired, after its deadline alone', async () => {
    const startBy = NOW + 5_000;
    const queued: JobFrame = { ...head, revision: 2, type: 'queued', at: NOW, nodes: [1], startBy };
    const { clock, looked, written } = await serve(begun, queued);
    clock.advance(5_000 + LIMITS.clockSkewMs);
    await looked();
    expect(ended(written())).toBeUndefined();
    clock.advance(OVER_MS);
    await waitFor(() => ended(written()) !== undefined, { what: 'the end', timeoutMs: 20_000 });
    expect(ended(written())).toMatchObject({ revision: 3, states: { lost: 1, expired: 1 } });
  });

  it('is let alone when its caller has said how it ended, and when it is led in turns', async () => {
    const end: JobFrame = { ...head, revision: 2, type: 'ended', at: NOW, exit: 0, states: {}, unmatched: 0, verdicts: [] }; // prettier-ignore
    const { bus, clock, say, written } = await serve(begun);
    await say(end);
    clock.advance(OVER_MS + 1);
    await waitFor(() => part?.health().detail === '0 open', { what: 'nothing to be open' });
    expect([written().length, bus.looks]).toEqual([2, 0]);
  });
});
