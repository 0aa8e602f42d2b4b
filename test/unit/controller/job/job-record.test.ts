/** What a caller lays down before it sends, and at the end; and what happens where that can't be. */
import { describe, expect, it } from 'vitest';
import { typeOfFrame } from '../../../../controller/job/append-end.ts';
import { JobRecord } from '../../../../controller/job/job-record.ts';
import { assembleFrames, messagesOf } from '../../../../controller/job/job-view.ts';
import { openFrame } from '../../../../controller/job/open-frame.ts';
import type { Plan, Work } from '../../../../controller/plan.ts';
import { NOTHING_HEARD } from '../../../../controller/job/send-plan.ts';
import type { RunResult } from '../../../../controller/run-plan.ts';
import { InterruptedError, TransportError } from '../../../../shared/errors.ts';
import type { Identity } from '../../../../shared/identity.ts';
import type { StoreOptions } from '../../../../shared/bus.ts';
import { seal } from '../../../../shared/wire/envelope.ts';
import { encodeJobFrame, type JobFrame } from '../../../../shared/wire/job.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const alice = await fleet.operator('alice');
const plan = {
  job: '01k',
  issued: NOW,
  startBy: NOW + 7_000,
  expected: [{ name: 'db1' }, { name: 'db2' }],
  commands: [{ id: '00'.repeat(16), payloadHash: '11'.repeat(32), bytes: new Uint8Array(), nodes: ['db1', 'db2'] }],
} as unknown as Plan;
const work: Work = {
  action: 'exec',
  effect: 'changes',
  args: { argv: ['true'] },
  dryRun: false,
  secrets: { TOKEN: 'hunter2-secret' },
};
const result: RunResult = {
  ...NOTHING_HEARD,
  job: '01k',
  nodes: [
    { node: 'db1', state: 'ok', reason: null, ms: 1 },
    { node: 'db2', state: 'lost', reason: 'silent', ms: null, isVerdict: true },
  ],
  recorded: true,
  detached: false,
};

function begin(bus: FakeBus, what = plan): Promise<JobRecord> {
  const identity = { ...alice, name: 'alice', fleetId: fleet.fleetId } as unknown as Identity;
  const dependencies = { fleet: fleet.fleet, bus, clock: new ManualClock(), subjects: fleet.subjects, identity };
  return JobRecord.begin(what, work, { command: 'exec', target: { all: true } }, dependencies);
}
async function writeByService(bus: FakeBus, words: object): Promise<void> {
  const service = await fleet.service('controller1');
  const subject = fleet.subjects.job('alice', '01k');
  const frame = { subject, revision: 2, job: '01k', caller: 'alice', by: 'controller1', ...words } as JobFrame;
  const bytes = await seal('job', fleet.fleetId, service, encodeJobFrame(frame), { inlineCredential: true });
  await bus.store(subject, bytes);
}
const framesOf = (bus: FakeBus): unknown[] => {
  const trust = fleet.trust(new ManualClock());
  const reader = { subjects: fleet.subjects, fleetId: fleet.fleetId, credentials: trust };
  return bus.history.map((stored) => openFrame(stored, reader));
};

describe('the record of a job', () => {
  it('names ten thousand messages in several frames, all of them before anything is sent', async () => {
    const bus = new FakeBus();
    const names = Array.from({ length: 10_000 }, (_, at) => `web${at}.example.org`);
    const commands = names.map((node, at) => ({
      id: at.toString(16).padStart(32, '0'),
      payloadHash: '11'.repeat(32),
      bytes: new Uint8Array(),
      nodes: [node],
    }));
    const many = { ...plan, expected: names.map((name) => ({ name })), commands } as unknown as Plan;
    await begin(bus, many);
    const frames = framesOf(bus) as JobFrame[];
    expect(frames.map(({ type }) => type)).toEqual(['begun', 'sent', 'sent']);
    const assembled = assembleFrames(frames);
    expect(assembled && messagesOf(assembled).flatMap(({ nodes }) => nodes)).toEqual(names.map((_, at) => at));
  });

  it('says before anything is sent what is asked of whom, without what is sealed', async () => {
    const bus = new FakeBus();
    await begin(bus);
    expect(framesOf(bus)).toMatchObject([
      { type: 'begun', revision: 1, expected: ['db1', 'db2'], sealed: ['TOKEN'], messages: [{ nodes: [0, 1] }] },
    ]);
    expect(Buffer.from(bus.history[0]!.data).includes('hunter2-secret')).toBe(false);
  });

  it('says at the end what its caller concluded, and nothing of what the nodes said', async () => {
    const bus = new FakeBus();
    const { ending } = await (await begin(bus)).around(() => Promise.resolve(result));
    await ending;
    expect(framesOf(bus)[1]).toMatchObject({
      type: 'ended',
      revision: 2,
      exit: 3,
      states: { ok: 1, lost: 1 },
      verdicts: [{ state: 'lost', reason: 'silent', nodes: [1] }],
    });
  });

  it('has one end: a caller that was slow finds the one of a service, and leaves it', async () => {
    const bus = new FakeBus();
    const record = await begin(bus);
    await writeByService(bus, { type: 'ended', at: NOW, exit: 4, states: { ok: 1, lost: 1 }, unmatched: 0, verdicts: [] }); // prettier-ignore
    const { ending } = await record.around(() => Promise.resolve(result));
    await ending;
    expect(framesOf(bus)).toMatchObject([{ type: 'begun' }, { type: 'ended', by: 'controller1' }]);
  });

  it('has its end behind what others said of it meanwhile', async () => {
    const bus = new FakeBus();
    const record = await begin(bus);
    await bus.store(fleet.subjects.job('alice', '01k'), new TextEncoder().encode('signatures of somebody'));
    const { ending } = await record.around(() => Promise.resolve(result));
    await ending;
    expect(bus.history).toHaveLength(3);
    expect(typeOfFrame(bus.history[2]!.data)).toBe('ended');
  });

  it('has one end where the bus stored it and its answer was lost', async () => {
    class ForgetfulBus extends FakeBus {
      override async store(subject: string, data: Uint8Array, options: StoreOptions = {}): Promise<number> {
        const sequence = await super.store(subject, data, options);
        if (typeOfFrame(data) === 'begun') return sequence;
        throw new TransportError('stored meanwhile', { code: 'store-conflict' });
      }
    }
    const bus = new ForgetfulBus();
    const { ending } = await (await begin(bus)).around(() => Promise.resolve(result));
    await ending;
    expect(framesOf(bus)).toMatchObject([{ type: 'begun' }, { type: 'ended' }]);
  });

  it.each<[string, Partial<RunResult>]>([
    ['was interrupted', { abandoned: ['db2'] }],
    ['lost the bus', { lostBus: 'it went' }],
    ['did not wait', { detached: true }],
  ])('has no end of a caller who %s: it goes on', async (_what, changes) => {
    const bus = new FakeBus();
    const { ending } = await (await begin(bus)).around(() => Promise.resolve({ ...result, ...changes }));
    await ending;
    expect(framesOf(bus)).toHaveLength(1);
  });

  it('that can not be stored is an error of the bus, which says that nothing was sent and what to do', async () => {
    const bus = new FakeBus();
    bus.broken = new TransportError('the bus has no storage', { code: 'no-storage', hint: 'Look at JetStream.' });
    await expect(begin(bus)).rejects.toMatchObject({
      name: 'TransportError',
      exit: 5,
      message: "the job can't be recorded, so nothing was sent: the bus has no storage",
      hint: 'Look at JetStream. `--no-record` sends it without a record.',
    });
  });

  it('of what was given up before it was sent says so', async () => {
    const bus = new FakeBus();
    const record = await begin(bus);
    const interrupted = new InterruptedError('interrupted; nothing was sent', { code: 'interrupted' });
    await expect(record.around(() => Promise.reject(interrupted))).rejects.toBe(interrupted);
    expect(framesOf(bus)[1]).toMatchObject({ type: 'ended', exit: 130, states: { unreachable: 2 } });
  });
});
