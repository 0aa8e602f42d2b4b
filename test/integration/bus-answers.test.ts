/**
 * Where the bus's answers go is for who asks to say, and no server looks at it. So nobody but issuers is in the account
 * that has the streams: what an operator has the bus answer can't be made to be stored, under whatever subject.
 */
import { JSONCodec } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from '../../shared/bus.ts';
import { auditStream, controlStream, enrollStream, inventoryStream, jobStream } from '../../shared/streams.ts';
import { BusFleet, type RawClient } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';

const F = 'fleet.main';
const json = JSONCodec<Record<string, unknown>>();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let busFleet: BusFleet;
let issuer: Bus;
let bob: Bus;
let alice: RawClient;
beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  [issuer, bob, alice] = await Promise.all([busFleet.bus('issuer'), busFleet.bus('bob'), busFleet.raw('alice')]);
  const db1 = await busFleet.bus('db1');
  await db1.store(`${F}.inv.db1`, bytes('head of db1'));
  await db1.store(`${F}.aud.db1`, bytes('audit of db1'));
  await bob.store(`${F}.aud.caller.bob`, bytes('audit of bob'));
  await bob.store(`${F}.job.bob.j`, bytes('command of bob'));
  await issuer.store(`${F}.roster.db1`, bytes('roster entry of db1'));
  await issuer.store(`${F}.ctl.revoked`, bytes('revocations'));
  await issuer.store(`${F}.enroll.token.t1`, bytes('token'));
});
afterAll(() => busFleet?.stop());

/** Each with who may read it. */
const STORED: readonly (readonly [subject: string, stream: string, reader: () => Bus])[] = [
  [`${F}.ctl.policy`, controlStream('main'), () => bob],
  [`${F}.ctl.revoked`, controlStream('main'), () => bob],
  [`${F}.roster.db1`, inventoryStream('main'), () => bob],
  [`${F}.inv.db1`, inventoryStream('main'), () => bob],
  [`${F}.aud.db1`, auditStream('main'), () => bob],
  [`${F}.aud.caller.bob`, auditStream('main'), () => bob],
  [`${F}.job.bob.j`, jobStream('main'), () => bob],
  [`${F}.enroll.token.t1`, enrollStream('main'), () => issuer],
];

describe.each(STORED)('an operator can not have %s replaced', (subject, stream, reader) => {
  const sequence = async (): Promise<number | undefined> => (await reader().load(stream, subject))?.sequence;
  /** How many times it was replaced while something was done; the bus is through with that when it has stored something later. */
  const replacedBy = async (act: () => unknown): Promise<number> => {
    const before = (await sequence()) ?? 0;
    expect(before).toBeGreaterThan(0);
    await act();
    await alice.nc.flush();
    await alice.nc.jetstream().publish(`${F}.job.alice.later`, bytes('later'));
    expect(await alice.violations()).toEqual([]);
    return ((await sequence()) ?? 0) - before;
  };

  it('by the confirmation of what it stores', async () => {
    const store = (): unknown => alice.nc.publish(`${F}.job.alice.mine`, bytes('mine'), { reply: subject });
    expect(await replacedBy(store)).toBe(0);
  });

  it('by what it stored before, and reads again', async () => {
    await alice.nc.jetstream().publish(`${F}.job.alice.mine`, bytes('bytes of its choice'));
    const get = `$JS.API.DIRECT.GET.${jobStream('main')}.${F}.job.alice.mine`;
    expect(await replacedBy(() => alice.nc.publish(get, undefined, { reply: subject }))).toBe(0);
  });

  it('by the answer to any other call', async () => {
    expect(await replacedBy(() => createConsumer({ reply: subject }))).toBe(0);
  });

  it('by the deliveries of a consumer', async () => {
    expect(await replacedBy(() => createConsumer({ deliver: subject }))).toBe(0);
  });

  it('by the answer of the enrolment service', async () => {
    let answered = 0;
    const service = issuer.subscribe(`${F}.svc.enroll-admin`, ({ reply = '' }) => {
      answered++;
      issuer.publish(reply, bytes('an answer that the issuer signed'));
    });
    await issuer.flush();
    try {
      const replaced = await replacedBy(async () => {
        alice.nc.publish(`${F}.svc.enroll-admin`, bytes('a question'), { reply: subject });
        await alice.nc.flush();
        await issuer.flush();
      });
      expect({ answered, replaced }).toEqual({ answered: 1, replaced: 0 });
    } finally {
      service.close();
      await issuer.flush();
    }
  });
});

/** Of what alice stored, from the stream of jobs. */
async function createConsumer({ reply, deliver }: { reply?: string; deliver?: string }): Promise<void> {
  const [stream, name, filter] = [jobStream('main'), `c${Math.random().toString(36).slice(2)}`, `${F}.job.*.*`];
  const config = {
    name,
    ack_policy: 'none',
    deliver_policy: 'all',
    deliver_subject: deliver ?? '_READ.alice.x',
    filter_subject: filter,
    inactive_threshold: 10e9,
  };
  const call = `$JS.API.CONSUMER.CREATE.${stream}.${name}.${filter}`;
  const data = json.encode({ stream_name: stream, config });
  if (reply !== undefined) return alice.nc.publish(call, data, { reply });
  await alice.nc.request(call, data);
}
