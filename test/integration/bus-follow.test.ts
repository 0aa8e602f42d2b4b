/** Following what nodes record: from the beginning, then live, whole and once, whatever happens to the bus meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus, HistoryMessage } from '../../shared/bus.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { patienceWith } from '../../shared/bus/insist.ts';
import { FollowedStream } from '../../shared/bus/follow-stream.ts';
import { jobStream, outputStream } from '../../shared/streams.ts';
import { readPrefix } from '../../shared/subjects.ts';
import { BusFleet, type BusName } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { waitFor } from '../support/wait-for.ts';

const { subjects } = new FleetMaterial();
const STREAM = jobStream('main');
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const bytes = (at: number, size = 0): Uint8Array => new TextEncoder().encode(`${at} ${'x'.repeat(size)}`);
const numberOf = ({ data }: HistoryMessage): number => Number(new TextDecoder().decode(data).split(' ')[0]);

let busFleet: BusFleet;
const open: Bus[] = [];
beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
});
afterAll(async () => {
  await Promise.all(open.map((bus) => bus.close()));
  await busFleet?.stop();
});

/** Comes back when the server does, however often it's killed. */
async function patient(name: BusName, fleet = busFleet): Promise<Bus> {
  const bus = await connectBus({ servers: [fleet.server.url], name, ...fleet.login(name), patient: true });
  open.push(bus);
  return bus;
}

describe('following a job', () => {
  it('gives what was there and what comes, of that job alone, each once and in order', async () => {
    const [alice, db1] = await Promise.all([patient('alice'), patient('db1')]);
    const mine = subjects.record('alice', 'j1', 'db1');
    for (const at of upTo(3)) await db1.store(mine, bytes(at));
    await db1.store(subjects.record('alice', 'j2', 'db1'), bytes(99));
    const found: number[] = [];
    const following = await alice.follow(
      STREAM,
      subjects.recordsOf('alice', 'j1'),
      (one) => void found.push(numberOf(one)),
    );
    for (const at of [3, 4]) await db1.store(mine, bytes(at));
    await waitFor(() => found.length === 5, { what: 'all messages' });
    expect(found).toEqual(upTo(5));
    following.close();
    await db1.store(mine, bytes(5));
    await alice.read(STREAM, mine, () => undefined);
    expect(found).toEqual(upTo(5));
  });

  it('goes on without a gap or a repeat when the bus is killed and comes back', async () => {
    // One that is restarted within a test belongs to it.
    const own = await BusFleet.start(new FleetMaterial());
    try {
      const [alice, db1] = await Promise.all([patient('alice', own), patient('db1', own)]);
      const mine = subjects.record('alice', 'j3', 'db1');
      const found: number[] = [];
      await alice.follow(STREAM, subjects.recordsOf('alice', 'j3'), (one) => void found.push(numberOf(one)));
      let stored = 0;
      for (const round of [1, 2]) {
        for (; stored < round * 20; stored++) await db1.store(mine, bytes(stored, 20_000));
        await own.server.restart();
        const storageAnswers = (bus: Bus): Promise<boolean> =>
          bus.load(STREAM, subjects.job('alice', 'j3')).then(
            () => true,
            () => false,
          );
        await waitFor(() => storageAnswers(alice), { what: 'the storage of the bus' });
        await waitFor(() => db1.connection, { what: 'the node to be connected again' });
      }
      for (; stored < 60; stored++) await db1.store(mine, bytes(stored));
      await waitFor(() => found.length >= 60, { what: 'all messages', timeoutMs: 20_000 });
      expect(found).toEqual(upTo(60));
      await Promise.all([alice.close(), db1.close()]);
    } finally {
      await own.stop();
    }
  });

  it("is not for another operator's jobs, but for an admin", async () => {
    const [bob, ada] = await Promise.all([busFleet.bus('bob'), patient('ada')]);
    const filter = subjects.recordsOf('alice', 'j1');
    await expect(bob.follow(STREAM, filter, () => undefined)).rejects.toMatchObject({ name: 'TransportError' });
    const found: number[] = [];
    await ada.follow(STREAM, filter, (one) => void found.push(numberOf(one)));
    await waitFor(() => found.length === 6, { what: "alice's results" });
  });
});

describe('following what comes faster than it is taken', () => {
  it('has the bus wait, and misses nothing', async () => {
    const [{ nc }, db1] = await Promise.all([busFleet.raw('ada'), patient('db1')]);
    const mine = subjects.output('alice', 'slow', 'db1');
    const count = 600;
    for (const at of upTo(count)) await db1.store(mine, bytes(at, 100_000));
    const found: number[] = [];
    let taken: () => void = () => undefined;
    const reader = { jsm: await nc.jetstreamManager({ checkAPI: false }), patience: patienceWith(nc, 0) };
    const following = await FollowedStream.open(nc, reader, {
      stream: outputStream('main'),
      filter: mine,
      after: 0,
      deliverPrefix: readPrefix('ada'),
      onMessage: async (one) => {
        found.push(numberOf(one));
        await new Promise<void>((resolve) => (taken = resolve));
      },
      onClose: () => undefined,
    });
    // The bus has sent ahead what it does, and waits: what is stored in another stream comes all the same.
    await waitFor(() => following.queuedBytes > 0, { what: 'the first of it' });
    const finals: number[] = [];
    const ada = await busFleet.bus('ada');
    await ada.follow(STREAM, subjects.recordsOf('alice', 'slow'), (one) => void finals.push(numberOf(one)));
    await db1.store(subjects.record('alice', 'slow', 'db1'), bytes(1));
    await waitFor(() => finals.length === 1, { what: 'the final' });
    expect(found).toEqual([0]);
    let most = 0;
    while (found.length < count) {
      most = Math.max(most, following.queuedBytes);
      const reached = found.length;
      taken();
      await waitFor(() => found.length > reached, { what: 'the next', everyMs: 1 });
    }
    expect(found).toEqual(upTo(count));
    // 60 MB are there; the server's own window, doubled as it goes, is 32 MB.
    expect(most).toBeLessThan(34 * 1024 * 1024);
    taken();
    following.close();
  });
});
