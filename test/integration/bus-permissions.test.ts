/** The table of permissions in docs/protocol.md, row by row, on a real server, with clients that do what the keys allow. */
import { Empty, headers, JSONCodec, type Msg } from 'nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../../shared/bus.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { BUS_NAMES, BusFleet, JOIN_TOKEN, type BusName, type RawClient } from '../support/bus-fleet.ts';
import { api, MAY_NOT_PUBLISH, MAY_NOT_SUBSCRIBE } from '../support/bus-denials.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { waitFor } from '../support/wait-for.ts';

const F = 'fleet.main';
const STREAM = inventoryStream('main');
const text = new TextEncoder();
const json = JSONCodec<Record<string, unknown>>();

let busFleet: BusFleet;
let issuer: Bus;
let alice: Bus;
const clients = {} as Record<BusName, RawClient>;

beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  issuer = await busFleet.bus('issuer');
  alice = await busFleet.bus('alice');
  for (const name of BUS_NAMES) clients[name] = await busFleet.raw(name);
  for (const node of ['db1', 'db2'] as const) {
    const js = clients[node].nc.jetstream();
    await js.publish(`${F}.inv.${node}`, text.encode(`head of ${node}`));
    await js.publish(`${F}.inv.${node}.facts`, text.encode(`facts of ${node}`));
    await issuer.store(`${F}.roster.${node}`, text.encode(`roster entry of ${node}`));
  }
});
afterAll(() => busFleet?.stop());
beforeEach(async () => {
  for (const name of BUS_NAMES) await clients[name].violations();
});

/** All that is stored, by subject. */
async function stored(): Promise<Record<string, string>> {
  const all = await Promise.all(
    [`${F}.roster.*`, `${F}.inv.*`, `${F}.inv.*.facts`].map((filter) => alice.loadAll(STREAM, filter)),
  );
  return Object.fromEntries(
    all
      .flat()
      .map(({ subject, data }) => [subject, Buffer.from(data).toString()])
      .sort(),
  );
}

/** What a client hears while something is done. */
async function hearing(name: BusName, subject: string, act: () => Promise<unknown>): Promise<string[]> {
  const heard: string[] = [];
  const { nc } = clients[name];
  const subscription = nc.subscribe(subject, { callback: (_error, message) => heard.push(message.subject) });
  await nc.flush();
  try {
    await act();
    // Through every other connection, and then through this one: what was on its way has come.
    for (const other of BUS_NAMES) await clients[other].nc.flush();
    await nc.flush();
    return heard;
  } finally {
    subscription.unsubscribe();
  }
}

describe.each(['db1', 'alice', 'ada', 'issuer', 'join'] as const)('with its own keys, %s', (name) => {
  it.each(MAY_NOT_PUBLISH[name])('may not publish %s', async (subject) => {
    const before = await stored();
    const { nc, refusal } = clients[name];
    const reply = `${name === 'join' ? `_INBOX_join.${JOIN_TOKEN}` : `_INBOX_${name}`}.answer`;
    nc.publish(subject, json.encode({}), { reply });
    expect(await refusal(`${name} to publish ${subject}`)).toEqual({ operation: 'publish', subject });
    expect(await stored()).toEqual(before);
  });

  it.each(MAY_NOT_SUBSCRIBE[name])('may not subscribe %s', async (subject) => {
    const { nc, refusal } = clients[name];
    nc.subscribe(subject, { callback: () => undefined });
    expect(await refusal(`${name} to subscribe ${subject}`)).toEqual({ operation: 'subscription', subject });
  });
});

describe('a node may', () => {
  it('store its own entries, and have it confirmed', async () => {
    const { nc, violations } = clients.db1;
    for (const subject of [`${F}.inv.db1`, `${F}.inv.db1.facts`]) {
      const ack = await nc.jetstream().publish(subject, text.encode('new'));
      expect(ack.stream).toBe(STREAM);
      expect((await stored())[subject]).toBe('new');
    }
    expect(await violations()).toEqual([]);
  });

  it('read its own head again, as an agent does that starts', async () => {
    const bus = await busFleet.bus('db1');
    await bus.store(`${F}.inv.db1`, text.encode('mine'));
    expect(Buffer.from((await bus.load(STREAM, `${F}.inv.db1`))?.data ?? []).toString()).toBe('mine');
  });

  it('hear commands for all, for itself and for a fact, and what is said to all agents', async () => {
    for (const subject of [`${F}.cmd.all`, `${F}.cmd.node.db1`, `${F}.cmd.fact.role.db`])
      expect(await hearing('db1', subject, () => publish('alice', subject))).toEqual([subject]);
    expect(await hearing('db1', `${F}.ctl.>`, () => Promise.resolve())).toEqual([]);
    expect(await clients.db1.violations()).toEqual([]);
  });

  it('answer any caller, in its own name', async () => {
    for (const caller of ['alice', 'bob'] as const) {
      const subject = `${F}.res.${caller}.j.db1`;
      expect(await hearing(caller, `${F}.res.${caller}.j.*`, () => publish('db1', subject))).toEqual([subject]);
    }
  });

  it('say what it records, audits and tells, in its own name', async () => {
    for (const subject of [`${F}.rec.alice.j.db1`, `${F}.rec.alice.j.db1.out`, `${F}.aud.db1`, `${F}.evt.db1.up`])
      await publish('db1', subject);
    expect(await clients.db1.violations()).toEqual([]);
  });
});

describe('an operator may', () => {
  it('send any command: nodes decide by its signature', async () => {
    for (const subject of [`${F}.cmd.all`, `${F}.cmd.node.db1`, `${F}.cmd.node.db2`, `${F}.cmd.fact.role.db`])
      await publish('bob', subject);
    for (const what of ['job.bob.j', 'plan.bob.j', 'lead.bob.j', 'svc.any']) await publish('bob', `${F}.${what}`);
    expect(await clients.bob.violations()).toEqual([]);
  });

  it('read roster and inventory, whole and by subject', async () => {
    const all = await stored();
    expect(Object.keys(all)).toEqual([
      `${F}.inv.db1`, `${F}.inv.db1.facts`, `${F}.inv.db2`, `${F}.inv.db2.facts`, `${F}.roster.db1`, `${F}.roster.db2`,
    ]); // prettier-ignore
    const one = await alice.load(STREAM, `${F}.inv.db2.facts`);
    expect(Buffer.from(one?.data ?? []).toString()).toBe('facts of db2');
    expect(await alice.load(STREAM, `${F}.inv.db3`)).toBeUndefined();
  });

  it('hear the answers to its own commands alone', async () => {
    const send = async (): Promise<void> => {
      await publish('db1', `${F}.res.bob.j.db1`);
      await publish('db1', `${F}.res.alice.j.db1`);
    };
    expect(await hearing('alice', `${F}.res.alice.>`, send)).toEqual([`${F}.res.alice.j.db1`]);
  });
});

describe('an issuer may', () => {
  it('write the roster, and bring the stream to its settings', async () => {
    await issuer.store(`${F}.roster.db1`, text.encode('again'));
    expect((await stored())[`${F}.roster.db1`]).toBe('again');
    const info = (await call('issuer', `STREAM.INFO.${STREAM}`)) as { config: Record<string, unknown> };
    expect(info.config).toMatchObject({
      subjects: [`${F}.roster.*`, `${F}.inv.*`, `${F}.inv.*.facts`],
      max_msgs_per_subject: 1,
      allow_direct: true,
      deny_delete: true,
      storage: 'file',
    });
    expect(info.config['allow_rollup_hdrs'] ?? false).toBe(false);
  });
});

describe('who wants to join may', () => {
  it('ask, and hear the answer', async () => {
    await publish('join', `${F}.svc.enroll`);
    clients.join.nc.subscribe(`_INBOX_join.${JOIN_TOKEN}.a1`).unsubscribe();
    expect(await clients.join.violations()).toEqual([]);
  });
});

describe('what is allowed can not be bent', () => {
  it('but for the answers to those who join with one token: they share a login, so answers have to be sealed', async () => {
    // A wildcard in the permission lets a wildcard through; there is no way to allow one random name and not all.
    clients.join.nc.subscribe(`_INBOX_join.${JOIN_TOKEN}.*`).unsubscribe();
    expect(await clients.join.violations()).toEqual([]);
  });

  it('a node can aim a confirmation at what other nodes hear, where it is junk: nobody signed it', async () => {
    const confirm = async (): Promise<void> => {
      clients.db1.nc.publish(`${F}.inv.db1`, text.encode('mine'), { reply: `${F}.cmd.all` });
      await clients.db1.nc.flush();
      await clients.db1.nc.jetstream().publish(`${F}.inv.db1.facts`, text.encode('facts'));
    };
    expect(await hearing('db2', `${F}.cmd.all`, confirm)).toEqual([`${F}.cmd.all`]);
    expect(await hearing('alice', `${F}.res.alice.>`, confirm)).toEqual([]);
  });

  it('a command for one node is not heard by another', async () => {
    const heard = await hearing('db2', `${F}.cmd.node.db2`, () => publish('alice', `${F}.cmd.node.db1`));
    expect(heard).toEqual([]);
  });

  it('and what it stored itself: a subject proves nothing, so nodes go by the signature', async () => {
    const { nc } = clients.db1;
    await nc.jetstream().publish(`${F}.inv.db1`, text.encode('bytes of its choice'));
    const get = async (reply: string): Promise<void> => {
      nc.publish(api(`DIRECT.GET.${STREAM}.${F}.inv.db1`), Empty, { reply });
      await nc.flush();
      // The bus has answered the first when it has answered the second.
      await nc.request(api(`DIRECT.GET.${STREAM}.${F}.inv.db1`));
    };
    expect(await hearing('db2', `${F}.cmd.node.db2`, () => get(`${F}.cmd.node.db2`))).toEqual([`${F}.cmd.node.db2`]);
    // It stays within the nodes' account: operators hear nothing of it.
    expect(await hearing('alice', `${F}.res.alice.>`, () => get(`${F}.res.alice.j.db2`))).toEqual([]);
    expect(await hearing('alice', '_INBOX_alice.>', () => get('_INBOX_alice.x'))).toEqual([]);
  });

  it.each(['all', 'sub'])('a node can not wipe the stream with the header of a rollup (%s)', async (rollup) => {
    const before = await stored();
    const h = headers();
    h.set('Nats-Rollup', rollup);
    const attempt = clients.db1.nc.jetstream().publish(`${F}.inv.db1`, text.encode('wiped'), { headers: h });
    await expect(attempt).rejects.toThrow(/rollup not permitted/);
    expect(await stored()).toEqual(before);
  });

  it('an issuer can not delete a message, though it made the stream', async () => {
    const before = await stored();
    clients.issuer.nc.publish(api(`STREAM.MSG.DELETE.${STREAM}`), json.encode({ seq: 1 }));
    await clients.issuer.refusal('the deletion');
    expect(await stored()).toEqual(before);
  });

  it.each([`${F}.inv.db2`, `${F}.inv.db2.facts`, `${F}.roster.db2`, `${F}.rec.alice.j.db2`])(
    'a node can not aim the confirmation of its own entry at %s',
    async (reply) => {
      const before = await stored();
      const { nc } = clients.db1;
      nc.publish(`${F}.inv.db1`, text.encode(before[`${F}.inv.db1`] ?? ''), { reply });
      await nc.flush();
      // The bus is done with it when something later has been stored.
      await nc.jetstream().publish(`${F}.inv.db1.facts`, text.encode(before[`${F}.inv.db1.facts`] ?? ''));
      expect(await stored()).toEqual(before);
    },
  );

  it.each(['_INBOX_alice.x', `${F}.res.alice.j.db2`] as const)('nor at what an operator hears: %s', async (reply) => {
    const heard = await hearing('alice', reply, async () => {
      const { nc } = clients.db1;
      nc.publish(`${F}.inv.db1`, text.encode('mine'), { reply });
      await nc.flush();
      await nc.jetstream().publish(`${F}.inv.db1.facts`, text.encode('facts'));
    });
    expect(heard).toEqual([]);
  });

  it('an operator can not make a consumer with another filter in its body than in its subject', async () => {
    const subject = `CONSUMER.CREATE.${STREAM}.mine.${F}.inv.*`;
    const answer = await call('alice', subject, consumer({ filter_subject: `${F}.>` }));
    expect(answer).toMatchObject({ error: { description: expect.stringContaining('filter') as string } });
  });

  it('nor one that writes what it delivers into the stream again', async () => {
    const before = await stored();
    const subject = `CONSUMER.CREATE.${STREAM}.loop.${F}.inv.*`;
    const answer = await call('alice', subject, consumer({ deliver_subject: `${F}.roster.db9` }));
    expect(answer).toMatchObject({ error: { description: expect.stringContaining('cycle') as string } });
    expect(await stored()).toEqual(before);
  });

  it('a login of the fleet is none without its key', async () => {
    const { connect } = await import('nats');
    await expect(connect({ servers: busFleet.server.url, reconnect: false })).rejects.toThrow(/authorization/i);
  });
});

describe('reading all entries of one kind', () => {
  it('gives the newest of each subject, however many there are, and nothing when there are none', async () => {
    expect(await alice.loadAll(STREAM, `${F}.inv.*.facts`)).toHaveLength(2);
    const many = Array.from({ length: 500 }, (_, at) => `${F}.roster.n${at}`);
    for (const round of ['first', 'last'])
      await Promise.all(many.map((subject) => issuer.store(subject, text.encode(`${round} ${subject}`))));
    const loaded = (await alice.loadAll(STREAM, `${F}.roster.*`)).filter(({ subject }) => subject.includes('.n'));
    expect(loaded.map(({ subject, data }) => [subject, Buffer.from(data).toString()]).sort()).toEqual(
      many.map((subject) => [subject, `last ${subject}`]).sort(),
    );
  });

  it('relies on the pending count in the answer to a create, and at the end of each delivery', async () => {
    const { nc } = clients.alice;
    const replies: (string | undefined)[] = [];
    nc.subscribe('_READ.alice.counted', { callback: (_error, message: Msg) => replies.push(message.reply) });
    const subject = `CONSUMER.CREATE.${STREAM}.counted.${F}.inv.*`;
    const info = await call(
      'alice',
      subject,
      consumer({ name: 'counted', filter_subject: `${F}.inv.*`, deliver_subject: '_READ.alice.counted' }),
    );
    const { num_pending: pending, delivered } = info as { num_pending: number; delivered: { consumer_seq: number } };
    expect(pending + delivered.consumer_seq).toBe(2);
    await waitFor(() => replies.length === 2, { what: 'both entries' });
    expect(replies.map((reply) => reply?.split('.').at(-1))).toEqual(['1', '0']);
  });
});

async function publish(name: BusName, subject: string): Promise<void> {
  clients[name].nc.publish(subject, Empty);
  await clients[name].nc.flush();
}

async function call(name: BusName, subject: string, body: Record<string, unknown> = {}): Promise<unknown> {
  const answer = await clients[name].nc.request(api(subject), json.encode(body), { timeout: 5_000 });
  return answer.json();
}

function consumer(config: Record<string, unknown>): Record<string, unknown> {
  return {
    stream_name: STREAM,
    config: { name: 'mine', ack_policy: 'none', deliver_policy: 'last_per_subject', deliver_subject: '_READ.alice.y', inactive_threshold: 1e10, filter_subject: `${F}.inv.*`, ...config },
  }; // prettier-ignore
}
