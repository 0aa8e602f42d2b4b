/** Reading what a stream has kept, in order and whole, also by who is slow: on a real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus, HistoryMessage } from '../../shared/bus.ts';
import { auditStream } from '../../shared/streams.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const { subjects } = new FleetMaterial();
const STREAM = auditStream('main');
const PER_NODE = 600;
/** 600 of them are far more than the server sends ahead of a slow reader at first. */
const filler = 'x'.repeat(20_000);

let busFleet: BusFleet;
let alice: Bus;
let db1: Bus;
let stored: number[];

beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  [alice, db1] = await Promise.all([busFleet.bus('alice'), busFleet.bus('db1')]);
  const db2 = await busFleet.bus('db2');
  stored = [];
  for (let at = 0; at < PER_NODE; at++)
    stored.push(
      await db1.store(subjects.nodeAudit('db1'), message(at)),
      await db2.store(subjects.nodeAudit('db2'), message(at)),
    );
});
afterAll(() => busFleet?.stop());

const message = (at: number): Uint8Array => new TextEncoder().encode(`${at} ${filler}`);
const numberOf = ({ data }: HistoryMessage): number => Number(new TextDecoder().decode(data).split(' ')[0]);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe('reading what a stream has kept', () => {
  it('gives every message, in the order they were stored, with its number and time', async () => {
    const found: HistoryMessage[] = [];
    await alice.read(STREAM, subjects.audits(), (one) => void found.push(one));
    expect(found.map(({ sequence }) => sequence)).toEqual(stored);
    expect(found.map(numberOf)).toEqual(upTo(PER_NODE).flatMap((at) => [at, at]));
    expect(found.every(({ storedAt }, at) => storedAt >= (found[at - 1]?.storedAt ?? 0))).toBe(true);
  });

  it('gives those of one subject', async () => {
    const found: number[] = [];
    await alice.read(STREAM, subjects.nodeAudit('db2'), (one) => void found.push(numberOf(one)));
    expect(found).toEqual(upTo(PER_NODE));
  });

  it('gives nothing of what is older than asked for, and ends where there is nothing', async () => {
    let middle: HistoryMessage | undefined;
    await alice.read(STREAM, subjects.audits(), (one) => {
      if (one.sequence === stored[PER_NODE]) middle = one;
    });
    const since = middle!.storedAt;
    const found: HistoryMessage[] = [];
    await alice.read(STREAM, subjects.audits(), (one) => void found.push(one), { since });
    expect(found.every(({ storedAt }) => storedAt >= Math.floor(since))).toBe(true);
    expect(found.at(-1)?.sequence).toBe(stored.at(-1));
    expect(found.length).toBeLessThanOrEqual(PER_NODE + 5);
    let count = 0;
    await alice.read(STREAM, subjects.audits(), () => void count++, { since: Date.now() + 60_000 });
    await alice.read(STREAM, subjects.callerAudit('nobody'), () => void count++);
    expect(count).toBe(0);
  });

  it('waits for who is slow, one message at a time, and loses none', async () => {
    const found: number[] = [];
    let atOnce = 0;
    await alice.read(STREAM, subjects.nodeAudit('db1'), async (one) => {
      expect(atOnce++).toBe(0);
      await new Promise((resolve) => setImmediate(resolve));
      found.push(numberOf(one));
      atOnce--;
    });
    expect(found).toEqual(upTo(PER_NODE));
  });

  it('ends early when nobody wants more', async () => {
    const stop = new AbortController();
    let count = 0;
    await alice.read(STREAM, subjects.audits(), () => void (++count === 3 && stop.abort()), { signal: stop.signal });
    expect(count).toBe(3);
  });

  it('fails with what its taker throws', async () => {
    const reading = alice.read(STREAM, subjects.audits(), () => Promise.reject(new Error('enough')));
    await expect(reading).rejects.toThrow('enough');
  });

  it('ends with what was there when it began, while more is stored', async () => {
    let more = 0;
    const read = new AbortController();
    const writing = (async () => {
      while (!read.signal.aborted && more < 2_000)
        await db1.store(subjects.nodeAudit('db1'), message(PER_NODE + more++));
    })();
    const found: number[] = [];
    await alice.read(STREAM, subjects.nodeAudit('db1'), (one) => void found.push(numberOf(one)));
    read.abort();
    await writing;
    expect(found.length).toBeGreaterThanOrEqual(PER_NODE);
    expect(found).toEqual(upTo(found.length));
  });

  it('is not for nodes', async () => {
    const reading = db1.read(STREAM, subjects.nodeAudit('db1'), () => undefined);
    await expect(reading).rejects.toMatchObject({ name: 'TransportError' });
  });
});
