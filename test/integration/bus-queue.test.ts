/** What waits for a node that is away, on a real server: who may read and replace it, and what a node can't bend. */
import { Empty, headers } from 'nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../../shared/bus.ts';
import { inventoryStream, queueStream } from '../../shared/streams.ts';
import { BusFleet, type RawClient } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const F = 'fleet.main';
const QUEUE = queueStream('main');
const text = new TextEncoder();
const api = (verb: string): string => `$JS.API.${verb}`;

let busFleet: BusFleet;
let alice: Bus;
let clients: Readonly<Record<'db1' | 'db2', RawClient>>;

beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  alice = await busFleet.bus('alice');
  clients = { db1: await busFleet.raw('db1'), db2: await busFleet.raw('db2') };
  await clients.db2.nc.jetstream().publish(`${F}.inv.db2`, text.encode('head of db2'));
});
afterAll(() => busFleet?.stop());

/** What a node hears while something is done. */
async function hearing(name: 'db1' | 'db2', subject: string, act: () => Promise<unknown>): Promise<string[]> {
  const heard: string[] = [];
  const { nc } = clients[name];
  const subscription = nc.subscribe(subject, { callback: (_error, message) => heard.push(message.subject) });
  await nc.flush();
  try {
    await act();
    // Through every connection that had a part in it: what was on its way has come.
    await alice.flush();
    for (const client of Object.values(clients)) await client.nc.flush();
    await nc.flush();
    return heard;
  } finally {
    subscription.unsubscribe();
  }
}

describe('the queue of a node', () => {
  const db2Queue = (): Promise<string> =>
    alice.load(QUEUE, `${F}.queue.db2`).then((message) => Buffer.from(message?.data ?? []).toString());
  beforeEach(async () => {
    await alice.store(`${F}.queue.db1`, text.encode('for db1'));
    await alice.store(`${F}.queue.db2`, text.encode('for db2'));
  });

  it('is read and emptied by the node itself, and by who has read it last', async () => {
    const db1 = await busFleet.bus('db1');
    const found = await db1.load(QUEUE, `${F}.queue.db1`);
    expect(Buffer.from(found?.data ?? []).toString()).toBe('for db1');
    const expectedSequence = found?.sequence ?? 0;
    await alice.store(`${F}.queue.db1`, text.encode('more for db1'), { expectedSequence });
    await expect(db1.store(`${F}.queue.db1`, text.encode('nothing'), { expectedSequence })).rejects.toMatchObject({
      code: 'store-conflict',
    });
    expect(await clients.db1.violations()).toEqual([]);
  });

  it('is read by operators one by one, and not heard when it is stored', async () => {
    expect(await db2Queue()).toBe('for db2');
    const store = (): Promise<unknown> => alice.store(`${F}.queue.db1`, text.encode('once more'));
    expect(await hearing('db1', `${F}.cmd.node.db1`, store)).toEqual([]);
  });

  it.each([`${F}.queue.db2`, `${F}.rec.alice.j.db2`, `${F}.inv.db2`, `$JS.API.STREAM.PURGE.${QUEUE}`])(
    "can't be written to by a node that aims what it reads or stores at %s",
    async (reply) => {
      const { nc } = clients.db1;
      nc.publish(api(`DIRECT.GET.${QUEUE}.${F}.queue.db1`), Empty, { reply });
      nc.publish(`${F}.queue.db1`, text.encode('of its choice'), { reply });
      nc.publish(api(`DIRECT.GET.${QUEUE}.${F}.queue.db1`), Empty, { reply });
      await nc.flush();
      // The bus is done with them when it has answered the next.
      await nc.request(api(`DIRECT.GET.${QUEUE}.${F}.queue.db1`));
      expect(await db2Queue()).toBe('for db2');
      const head = await alice.load(inventoryStream('main'), `${F}.inv.db2`);
      expect(Buffer.from(head?.data ?? []).toString()).toBe('head of db2');
    },
  );

  it('is delivered to another node by who reads it and aims the answer there: the command in it names its node', async () => {
    const aim = async (): Promise<void> => {
      clients.db1.nc.publish(api(`DIRECT.GET.${QUEUE}.${F}.queue.db1`), Empty, { reply: `${F}.cmd.node.db2` });
      await clients.db1.nc.flush();
      await clients.db1.nc.request(api(`DIRECT.GET.${QUEUE}.${F}.queue.db1`));
    };
    expect(await hearing('db2', `${F}.cmd.node.db2`, aim)).toEqual([`${F}.cmd.node.db2`]);
  });

  it.each(['all', 'sub'])('is not wiped with the header of a rollup (%s)', async (rollup) => {
    const h = headers();
    h.set('Nats-Rollup', rollup);
    const attempt = clients.db1.nc.jetstream().publish(`${F}.queue.db1`, text.encode('wiped'), { headers: h });
    await expect(attempt).rejects.toThrow(/rollup not permitted/);
    expect(await db2Queue()).toBe('for db2');
  });
});
