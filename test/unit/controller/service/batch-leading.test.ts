/** What a service keeps of batches that anybody may have written down, and how many it leads at once. */
import { afterEach, describe, expect, it } from 'vitest';
import { LEFT } from '../../../../controller/batch/lead-signs.ts';
import { BatchLeading } from '../../../../controller/service/batch-leading.ts';
import { Metrics } from '../../../../controller/service/metrics.ts';
import { OpenBatches } from '../../../../controller/service/open-batches.ts';
import type { ServiceContext } from '../../../../controller/service/part.ts';
import type { HistoryMessage } from '../../../../shared/bus.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { seal } from '../../../../shared/wire/envelope.ts';
import { encodeJobFrame, type JobFrame } from '../../../../shared/wire/job.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { waitFor } from '../../../support/wait-for.ts';

const fleet = new FleetMaterial();
const members = {
  alice: await fleet.operator('alice'),
  bob: await fleet.operator('bob'),
};
type Caller = keyof typeof members;
const service = await fleet.service('one');

const head = (caller: Caller, job: string, revision = 1) => ({
  subject: fleet.subjects.job(caller, job),
  revision,
  job,
  caller,
});

/** Of a batch that has no plan. */
const begunOf = (caller: Caller, job: string, args: Record<string, unknown> = {}): JobFrame => ({
  ...head(caller, job),
  type: 'begun',
  command: 'exec',
  action: 'exec',
  effect: 'changes',
  args,
  target: {},
  expected: ['db1', 'db2'],
  messages: [],
  issued: NOW,
  startBy: NOW + 7_000,
  batch: { window: 1, canaries: 0, pauseMs: 0, ackTimeoutMs: 2_000, deadline: NOW + 60_000, chunks: 1 },
});

const sealed = (frame: JobFrame): Promise<Uint8Array> =>
  seal('job', fleet.fleetId, members[frame.caller as Caller], encodeJobFrame(frame), { inlineCredential: true });

/** A bus on which plans are read until it's said that they were. */
class SlowPlans extends FakeBus {
  readonly reading: (() => void)[] = [];
  isSlow = true;
  override async read(...[stream, filter, onMessage, options]: Parameters<FakeBus['read']>): Promise<void> {
    if (this.isSlow && filter.includes('.plan.')) await new Promise<void>((resolve) => this.reading.push(resolve));
    await super.read(stream, filter, onMessage, options);
  }
}

function makeContext(bus: FakeBus) {
  const clock = new ManualClock();
  const context = {
    fleet: fleet.fleet,
    bus,
    clock,
    log: recordingLog(),
    subjects: fleet.subjects,
    trust: fleet.trust(clock),
    metrics: new Metrics(),
    identity: { ...service, name: 'one', fleetId: fleet.fleetId, roots: [fleet.root.publicKey] },
    directory: { roster: new Map() },
  } as unknown as ServiceContext;
  return { clock, context };
}

let part: BatchLeading | undefined;
afterEach(() => part?.stop());

async function lead(bus: FakeBus, ...jobs: readonly [Caller, string][]) {
  for (const [caller, job] of jobs)
    await bus.store(fleet.subjects.job(caller, job), await sealed(begunOf(caller, job)));
  const { clock, context } = makeContext(bus);
  part = new BatchLeading(context);
  await part.start();
  for (const [caller, job] of jobs) bus.publish(fleet.subjects.lead(caller, job), Buffer.from(LEFT));
  return { clock, detail: () => part?.health().detail };
}

describe('batches that a service has read of', () => {
  it('are forgotten where they can never be led', async () => {
    const { detail } = await lead(new FakeBus(), ['alice', '01a'], ['bob', '01b']);
    await waitFor(() => detail() === '0 open, 0 led here', { what: 'both to be forgotten' });
  });

  it('are led a few at a time, and nobody takes all places', async () => {
    const bus = new SlowPlans();
    const many = Array.from({ length: LIMITS.batchesLedPerCaller + 3 }, (_, at): [Caller, string] => [
      'alice',
      `0${at}`,
    ]);
    const { detail } = await lead(bus, ...many, ['bob', '01']);
    expect(bus.reading).toHaveLength(LIMITS.batchesLedPerCaller + 1);
    bus.isSlow = false;
    for (const goOn of bus.reading.splice(0)) goOn();
    bus.publish(fleet.subjects.lead('alice', '01'), Buffer.from(LEFT));
    await waitFor(
      () => {
        for (const [caller, job] of many) bus.publish(fleet.subjects.lead(caller, job), Buffer.from(LEFT));
        return detail() === '0 open, 0 led here';
      },
      { what: 'the others to have their turn' },
    );
  });
});

describe('what is kept of batches', () => {
  const clock = new ManualClock();
  const create = () => {
    const dropped: string[] = [];
    const onDropped = (why: string): unknown => dropped.push(why);
    return {
      dropped,
      open: new OpenBatches({ clock, subjects: fleet.subjects, trust: fleet.trust(clock), onDropped }),
    };
  };
  let sequence = 0;
  const stored = async (frame: JobFrame): Promise<HistoryMessage> => ({
    subject: frame.subject,
    data: await sealed(frame),
    sequence: ++sequence,
    storedAt: NOW,
  });

  it('is so many of one caller: a newer one takes the place of the oldest', async () => {
    const { dropped, open } = create();
    open.take(await stored(begunOf('bob', 'bobs')));
    for (let at = 0; at < LIMITS.openBatchesPerCaller + 2; at++) open.take(await stored(begunOf('alice', `0${at}`)));
    expect(open.size).toBe(LIMITS.openBatchesPerCaller + 1);
    expect(dropped).toEqual(['caller', 'caller']);
    const kept = open.all().map(({ begun: { job } }) => job);
    expect(kept).toContain('bobs');
    expect(kept).not.toContain('01');
    expect(kept).toContain(`0${LIMITS.openBatchesPerCaller + 1}`);
  });

  it('is so many bytes of one caller: the one that grows beyond them goes', async () => {
    const { dropped, open } = create();
    const filling = { filling: 'x'.repeat(700_000) };
    open.take(await stored(begunOf('alice', 'small')));
    const big = await stored(begunOf('alice', 'big', filling));
    open.take(big);
    const again = await stored({ ...begunOf('alice', 'big', filling), revision: 2 });
    for (let bytes = big.data.length; bytes <= LIMITS.openBatchBytesPerCaller; bytes += again.data.length)
      open.take({ ...again, sequence: ++sequence });
    expect(dropped).toEqual(['bytes']);
    expect(open.all().map(({ begun: { job } }) => job)).toEqual(['small']);
    // What it took is free again.
    open.take({ ...big, sequence: ++sequence });
    expect(open.size).toBe(2);
  });

  it('is nothing whose record is gone', async () => {
    const { open } = create();
    open.take(await stored(begunOf('alice', 'old')));
    open.forgetBefore(NOW);
    expect(open.size).toBe(1);
    open.forgetBefore(NOW + 1);
    expect(open.size).toBe(0);
  });
});
