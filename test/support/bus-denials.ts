/** What identities may not do at the bus with their own keys: the other side of the table in docs/protocol.md, by subject. */
import { auditStream, inventoryStream, jobStream, outputStream, queueStream } from '../../shared/streams.ts';

const F = 'fleet.main';
const STREAM = inventoryStream('main');
const JOBS = jobStream('main');
const QUEUE = queueStream('main');

/** A call of JetStream. */
export const api = (verb: string): string => `$JS.API.${verb}`;
/** Calls that would read, change or end what is not the caller's own: nobody but an issuer has any of them. */
const STREAM_CALLS = [
  ...['CREATE', 'UPDATE', 'INFO'].map((verb) => api(`STREAM.${verb}.${STREAM}`)),
  ...['DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE', 'LEADER.STEPDOWN', 'PEER.REMOVE'].map((verb) =>
    api(`STREAM.${verb}.${STREAM}`),
  ),
  api(`STREAM.MSG.GET.${STREAM}`),
  api(`STREAM.MSG.DELETE.${STREAM}`),
  api('STREAM.CREATE.OTHER'),
  api('STREAM.LIST'),
  api('STREAM.NAMES'),
  api('INFO'),
];
const CONSUMER_CALLS = [
  api(`CONSUMER.CREATE.${STREAM}`),
  api(`CONSUMER.CREATE.${STREAM}.name`),
  api(`CONSUMER.CREATE.${STREAM}.name.>`),
  api(`CONSUMER.CREATE.${STREAM}.name.${F}.>`),
  api(`CONSUMER.DURABLE.CREATE.${STREAM}.name`),
  api(`CONSUMER.MSG.NEXT.${STREAM}.name`),
  api(`CONSUMER.DELETE.${STREAM}.name`),
  api(`CONSUMER.LIST.${STREAM}`),
  api(`CONSUMER.NAMES.${STREAM}`),
  api(`CONSUMER.INFO.${STREAM}.name`),
  api(`DIRECT.GET.${STREAM}`),
];
const OTHERS = [
  '$SYS.REQ.SERVER.PING',
  '$JS.ACK.x',
  'fleet.other.cmd.all',
  'anything',
  '_INBOX.x',
  '_INBOX_bob.x',
  '_INBOX_db2.x',
];

export const MAY_NOT_PUBLISH: Readonly<Record<'db1' | 'alice' | 'ada' | 'issuer' | 'join', readonly string[]>> = {
  db1: [
    `${F}.inv.db2`, `${F}.inv.db2.facts`, `${F}.inv.db1.other`, `${F}.inv.db1.facts.more`,
    `${F}.res.alice.j.db2`, `${F}.rec.alice.j.db2`, `${F}.rec.alice.j.db2.out`, `${F}.rec.alice.j.db1.other`, `${F}.aud.db2`, `${F}.evt.db2.up`,
    `${F}.cmd.all`, `${F}.cmd.node.db1`, `${F}.cmd.node.db2`, `${F}.cmd.fact.role.db`, `${F}.ctl.policy`,
    `${F}.roster.db1`, `${F}.roster.db2`, `${F}.job.alice.j`, `${F}.plan.alice.j`, `${F}.lead.alice.j`, `${F}.svc.enroll`, `${F}.queue.db2`, `${F}.queue.*`,
    ...STREAM_CALLS, ...CONSUMER_CALLS,
    ...[`${F}.inv.*`, `${F}.inv.*.facts`, `${F}.roster.*`].map((filter) => api(`CONSUMER.CREATE.${STREAM}.name.${filter}`)),
    ...[`${F}.inv.db2`, `${F}.inv.db1.facts`, `${F}.inv.db2.facts`, `${F}.roster.db2`, `${F}.>`].map((subject) => api(`DIRECT.GET.${STREAM}.${subject}`)),
    ...[`${F}.aud.db2`, `${F}.aud.>`, `${F}.aud.caller.alice`].map((subject) => api(`DIRECT.GET.${auditStream('main')}.${subject}`)),
    ...[`DIRECT.GET.${QUEUE}.${F}.queue.db2`, `DIRECT.GET.${QUEUE}.${F}.queue.*`, `DIRECT.GET.${QUEUE}`, `STREAM.MSG.GET.${QUEUE}`].map(api),
    ...[`CONSUMER.CREATE.${QUEUE}.q.${F}.queue.db1`, `CONSUMER.MSG.NEXT.${QUEUE}.db1`, `STREAM.PURGE.${QUEUE}`].map(api),
    ...OTHERS, '_INBOX_alice.x',
  ],
  alice: [
    `${F}.inv.db1`, `${F}.inv.db1.facts`, `${F}.roster.db1`, `${F}.res.alice.j.db1`, `${F}.res.bob.j.db1`,
    `${F}.rec.alice.j.db1`, `${F}.rec.alice.j.db1.out`, `${F}.aud.db1`, `${F}.evt.db1.up`, `${F}.ctl.policy`, `${F}.job.bob.j`, `${F}.queue.db1.x`,
    `${F}.plan.bob.j`, `${F}.lead.bob.j`, ...[`CONSUMER.CREATE.${JOBS}.p.${F}.plan.alice.j`, `CONSUMER.CREATE.${JOBS}.p.${F}.plan.*.*`, `DIRECT.GET.${JOBS}.${F}.plan.alice.j`].map(api),
    ...[`${F}.rec.bob.>`, `${F}.rec.bob.j.*`, `${F}.rec.>`, `${F}.rec.*.*.*`].map((filter) => api(`CONSUMER.CREATE.${jobStream('main')}.name.${filter}`)),
    ...[`${F}.rec.bob.>`, `${F}.rec.bob.j.*.out`, `${F}.rec.>`, `${F}.rec.*.*.*.out`].map((filter) => api(`CONSUMER.CREATE.${outputStream('main')}.name.${filter}`)),
    ...[`CONSUMER.CREATE.${QUEUE}.q.${F}.queue.*`, `DIRECT.GET.${QUEUE}`, `STREAM.MSG.DELETE.${QUEUE}`, `STREAM.PURGE.${QUEUE}`].map(api),
    ...STREAM_CALLS, ...CONSUMER_CALLS, ...OTHERS,
  ],
  ada: [
    `${F}.inv.db1`, `${F}.roster.db1`, `${F}.ctl.roots`, `${F}.ctl.revoked`, `${F}.ctl.*`, `${F}.job.bob.j`, `${F}.aud.db1`,
    `${F}.enroll.token.a`, ...STREAM_CALLS, ...CONSUMER_CALLS, ...OTHERS,
  ],
  issuer: [
    `${F}.inv.db1`, `${F}.inv.db1.facts`, `${F}.cmd.all`, `${F}.cmd.node.db1`, `${F}.res.alice.j.db1`, `${F}.job.alice.j`, `${F}.svc.enroll`,
    ...STREAM_CALLS.slice(3), ...CONSUMER_CALLS, ...OTHERS, api(`STREAM.UPDATE.${auditStream('main')}`), api(`STREAM.UPDATE.${outputStream('main')}`),
  ],
  join: [
    `${F}.svc.other`, `${F}.svc.*`, `${F}.cmd.all`, `${F}.roster.join`, `${F}.inv.join`, `${F}.inv.db1`, `${F}.evt.join.up`, `${F}.res.alice.j.db1`,
    ...STREAM_CALLS, ...CONSUMER_CALLS, api(`DIRECT.GET.${STREAM}.${F}.inv.db1`), ...OTHERS,
  ],
}; // prettier-ignore

export const MAY_NOT_SUBSCRIBE: Readonly<Record<'db1' | 'alice' | 'ada' | 'issuer' | 'join', readonly string[]>> = {
  db1: [
    `${F}.cmd.node.db2`, `${F}.cmd.node.*`, `${F}.cmd.>`, `${F}.cmd.*`, `${F}.res.alice.>`, `${F}.res.*.*.db1`, `${F}.rec.>`,
    `${F}.queue.db1`, `${F}.queue.>`, `${F}.inv.>`, `${F}.inv.db1`, `${F}.inv.db2`, `${F}.roster.*`, `${F}.aud.>`, `${F}.evt.>`, `${F}.job.>`, `${F}.svc.>`,
    `${F}.>`, 'fleet.*.cmd.all', 'fleet.>', '>', '*', '_INBOX.>', '_INBOX_db2.>', '_INBOX_alice.>', '*.x', '$SYS.>', '$JS.>', '$JS.ACK.>',
  ],
  alice: [
    `${F}.res.bob.>`, `${F}.res.>`, `${F}.res.*.j.db1`, `${F}.rec.bob.>`, `${F}.rec.>`, `${F}.cmd.>`, `${F}.cmd.all`, `${F}.cmd.node.db1`,
    `${F}.inv.>`, `${F}.roster.*`, `${F}.ctl.>`, `${F}.plan.alice.j`, `${F}.lead.>`, `${F}.svc.lead`, `${F}.queue.>`, `${F}.queue.*`, `${F}.aud.>`, `${F}.job.>`, `${F}.svc.>`, `${F}.svc.resolve`, `${F}.bus.*`,
    `${F}.>`, '>', '*', '_INBOX.>', '_INBOX_bob.>', '_INBOX_issuer.>', '_READ.>', '_READ.bob.*', '_READ.bob.x', '$SYS.>', '$JS.>',
  ],
  ada: [`${F}.svc.resolve`, `${F}.bus.*`, `${F}.rec.bob.>`, `${F}.cmd.>`, `${F}.ctl.>`, `${F}.>`, '>', '_INBOX_alice.>', '$SYS.>', '$JS.>'],
  issuer: [`${F}.svc.resolve`, `${F}.bus.*`, `${F}.cmd.>`, `${F}.res.>`, `${F}.inv.>`, `${F}.roster.*`, `${F}.>`, '>', '_INBOX_alice.>', '$JS.>'],
  join: [`${F}.svc.enroll`, `${F}.cmd.all`, `${F}.roster.*`, `${F}.>`, '>', '_INBOX.>', '_INBOX_db1.>', '_INBOX_join.a', '_INBOX_join.t1.a', '_INBOX_join.>', '_INBOX_join.t0.a.b'],
}; // prettier-ignore
