/** What the login of a service may do at a real server, and what it may not: the same for whoever stole it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditStream, controlStream, enrollStream, inventoryStream, jobStream } from '../../shared/streams.ts';
import { BusFleet, type RawClient } from '../support/bus-fleet.ts';
import { FleetMaterial } from '../support/fleet-material.ts';
import { waitFor } from '../support/wait-for.ts';

const F = 'fleet.main';
const STREAMS = [inventoryStream, controlStream, auditStream, enrollStream, jobStream].map((stream) => stream('main'));

let busFleet: BusFleet;
let service: RawClient;
beforeAll(async () => {
  busFleet = await BusFleet.start(new FleetMaterial());
  service = await busFleet.raw('svc');
});
afterAll(() => busFleet?.stop());

/** Subjects of the fleet, by what follows its name. */
const own = (names: string): string[] => names.split(' ').map((name) => `${F}.${name}`);

const MAY_NOT_PUBLISH = [
  ...own('inv.db1 inv.db1.facts roster.db1 res.alice.j.db1 rec.alice.j.db1 evt.db1.up'),
  ...own('aud.db1 aud.caller.alice aud.caller.svc aud.service.svc'),
  ...own('ctl.roots ctl.revoked ctl.policy ctl.service-svc ctl.node-db1'),
  ...own('bus.connected bus.disconnected svc.enroll svc.enroll-admin svc.resolve enroll.token.a'),
];

const API_CALLS = [
  ...STREAMS.flatMap((stream) =>
    ['CREATE', 'UPDATE', 'INFO', 'DELETE', 'PURGE', 'MSG.GET', 'MSG.DELETE'].map((verb) => `STREAM.${verb}.${stream}`),
  ),
  ...STREAMS.map((stream) => `CONSUMER.CREATE.${stream}.name`),
  ...STREAMS.map((stream) => `CONSUMER.CREATE.${stream}.name.${F}.>`),
  ...STREAMS.map((stream) => `DIRECT.GET.${stream}`),
  `CONSUMER.CREATE.${controlStream('main')}.name.${F}.ctl.*`,
  `CONSUMER.CREATE.${controlStream('main')}.name.${F}.ctl.operator-alice`,
  `CONSUMER.CREATE.${enrollStream('main')}.name.${F}.enroll.token.*`,
  'STREAM.LIST',
  'INFO',
].map((call) => `$JS.API.${call}`);

const MAY_NOT_SUBSCRIBE = [
  ...own('cmd.> cmd.all cmd.node.db1 ctl.> job.> inv.> roster.* rec.> svc.> svc.enroll svc.enroll-admin >'),
  ...'> * _INBOX.> _INBOX_alice.> _READ.> _READ.alice.* $SYS.> $SYS.ACCOUNT.*.CONNECT $JS.>'.split(' '),
];

describe('a service', () => {
  it.each([...MAY_NOT_PUBLISH, ...API_CALLS, '$SYS.REQ.SERVER.PING', '_INBOX_alice.x'])(
    'may not publish %s',
    async (subject) => {
      service.nc.publish(subject, '{}', { reply: '_INBOX_svc.answer' });
      expect(await service.refusal(`a service to publish ${subject}`)).toEqual({ operation: 'publish', subject });
    },
  );

  it.each(MAY_NOT_SUBSCRIBE)('may not subscribe %s', async (subject) => {
    service.nc.subscribe(subject, { callback: () => undefined });
    expect(await service.refusal(`a service to subscribe ${subject}`)).toEqual({ operation: 'subscription', subject });
  });

  it('hears who of the nodes logs in and who goes, by the key of the login, and nobody else', async () => {
    const heard: { subject: string; user: unknown }[] = [];
    service.nc.subscribe(`${F}.bus.*`, {
      callback: (_error, message) => {
        const { client } = message.json<{ client: { user: unknown } }>();
        heard.push({ subject: message.subject, user: client.user });
      },
    });
    await service.nc.flush();
    await (await busFleet.raw('alice')).nc.close();
    await (await busFleet.raw('db2')).nc.close();
    const user = busFleet.login('db2').publicKey;
    await waitFor(() => heard.length >= 2, { what: 'both events' });
    expect(heard).toEqual([
      { subject: `${F}.bus.connected`, user },
      { subject: `${F}.bus.disconnected`, user },
    ]);
    expect(await service.violations()).toEqual([]);
  });

  it('goes on with what operators began, and follows the documents of the fleet', async () => {
    service.nc.publish(`${F}.cmd.node.db1`);
    service.nc.publish(`${F}.job.alice.j`);
    const bus = await busFleet.bus('svc');
    const documents: string[] = [];
    const followed = await bus.follow(controlStream('main'), `${F}.ctl.policy`, (m) => void documents.push(m.subject));
    await waitFor(() => documents.length > 0, { what: 'the policy' });
    followed.close();
    expect(documents).toEqual([`${F}.ctl.policy`]);
    expect(await service.violations()).toEqual([]);
  });
});
