/**
 * Who may publish and subscribe what at the bus, and which subjects cross from one NATS account to another: the table
 * of docs/protocol.md as data. controller/setup/bus-accounts.ts makes the JWTs of accounts and logins of it.
 */
import { auditStream, controlStream, enrollStream, fleetStreams, inventoryStream, jobStream } from './streams.ts';
import { inboxPrefix, joinInboxPrefix, Subjects, toToken } from './subjects.ts';

/** Where a server takes an account's JWT (NATS's own subject). */
export const ACCOUNT_UPDATE = '$SYS.REQ.CLAIMS.UPDATE';

export interface BusPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer what it is asked, wherever the question says: services. @default false */
  readonly answers?: boolean;
}

/** A node, in the account NODES: its own entries and answers, nobody else's. */
export function nodePermissions(fleet: string, node: string): BusPermissions {
  const subjects = new Subjects(fleet);
  const f = subjects.prefix;
  const n = toToken(node);
  return {
    publish: [
      `${f}.inv.${n}`,
      `${f}.inv.${n}.facts`,
      `${f}.rec.*.*.${n}`,
      `${f}.res.*.*.${n}`,
      subjects.nodeAudit(node),
      `${f}.evt.${n}.*`,
      directGet(inventoryStream(fleet), `${f}.inv.${n}`),
      directGet(inventoryStream(fleet), subjects.roster(node)),
      directGet(controlStream(fleet), `${f}.ctl.*`),
      directGet(auditStream(fleet), subjects.nodeAudit(node)),
    ],
    subscribe: [`${f}.cmd.all`, `${f}.cmd.node.${n}`, `${f}.cmd.fact.>`, `${f}.ctl.>`, `${inboxPrefix(node)}.>`],
  };
}

/** An operator, in the account CONTROL: any command (nodes decide by its signature), and the answers to its own. */
export function operatorPermissions(fleet: string, caller: string): BusPermissions {
  const subjects = new Subjects(fleet);
  const f = subjects.prefix;
  const c = toToken(caller);
  return {
    publish: [
      `${f}.cmd.>`,
      `${f}.job.${c}.*`,
      `${f}.svc.*`,
      subjects.callerAudit(caller),
      ...readers(fleet),
      ...consumers(auditStream(fleet), [subjects.audits()]),
      directGet(auditStream(fleet), `${f}.aud.>`),
      ...consumers(jobStream(fleet), [subjects.jobs()]),
      directGet(jobStream(fleet), subjects.jobs()),
    ],
    subscribe: [`${f}.res.${c}.>`, `${f}.rec.${c}.>`, `${inboxPrefix(caller)}.>`],
  };
}

/** An operator with the role `admin`: it writes the policy, too. */
export function adminPermissions(fleet: string, caller: string): BusPermissions {
  const { publish, subscribe } = operatorPermissions(fleet, caller);
  return { publish: [...publish, new Subjects(fleet).controlDocument('policy')], subscribe };
}

/** An issuer, in the account CONTROL: makes the streams, writes the roster, lets nodes join. It sends no commands. */
export function issuerPermissions(fleet: string, issuer: string): BusPermissions {
  const subjects = new Subjects(fleet);
  const f = subjects.prefix;
  const streamCalls = fleetStreams(fleet).flatMap(({ name }) =>
    ['CREATE', 'UPDATE', 'INFO'].map((verb) => `$JS.API.STREAM.${verb}.${name}`),
  );
  return {
    publish: [
      `${f}.roster.*`,
      `${f}.ctl.*`,
      `${f}.enroll.*.*`,
      subjects.serviceAudit(issuer),
      ...streamCalls,
      ...readers(fleet),
      ...consumers(enrollStream(fleet), [subjects.enrollTokens(), subjects.enrollRequests()]),
      directGet(enrollStream(fleet), `${f}.enroll.>`),
      directGet(auditStream(fleet), subjects.serviceAudit(issuer)),
    ],
    subscribe: [subjects.enroll(), subjects.enrollAdmin(), `${inboxPrefix(issuer)}.>`],
    answers: true,
  };
}

/** Who holds a token and has no credential yet, in the account JOIN: asks to be enrolled, and hears the answer. */
export function joinPermissions(fleet: string, token: string): BusPermissions {
  return { publish: [new Subjects(fleet).enroll()], subscribe: [`${joinInboxPrefix(token)}.*`] };
}

/** Who hands the bus its accounts anew, in the account SYS of the servers themselves, for as long as that takes. */
export function systemPermissions(name: string): BusPermissions {
  return { publish: [ACCOUNT_UPDATE], subscribe: [`${inboxPrefix(name)}.>`] };
}

/** Reading roster, inventory and control documents: consumers with a filter, and gets by subject. */
function readers(fleet: string): string[] {
  const subjects = new Subjects(fleet);
  const stream = inventoryStream(fleet);
  return [
    ...consumers(stream, [subjects.rosters(), subjects.inventoryHeads(), subjects.inventoryBodies()]),
    directGet(stream, `${subjects.prefix}.>`),
    directGet(controlStream(fleet), `${subjects.prefix}.ctl.*`),
  ];
}

/** Never a consumer without a filter: it would read all there is. */
function consumers(stream: string, filters: readonly string[]): string[] {
  return [
    ...filters.map((filter) => `$JS.API.CONSUMER.CREATE.${stream}.*.${filter}`),
    // Saying that what the server sent has come. Worth nothing to who would say it for another: it paces a reading.
    `$JS.FC.${stream}.>`,
  ];
}

/** The newest message on a subject, where the server's permissions see the subject. */
function directGet(stream: string, subject: string): string {
  return `$JS.API.DIRECT.GET.${stream}.${subject}`;
}

/** What crosses between accounts. Each list is exported by one account and imported by the other, and nothing else. */
export function accountExports(fleet: string): {
  readonly controlToNodes: { readonly streams: readonly string[] };
  readonly nodesToControl: { readonly streams: readonly string[]; readonly services: readonly string[] };
  readonly joinToControl: { readonly services: readonly string[] };
} {
  const f = new Subjects(fleet).prefix;
  return {
    controlToNodes: { streams: [`${f}.cmd.>`, `${f}.ctl.>`] },
    nodesToControl: {
      streams: [`${f}.res.>`, `${f}.evt.>`],
      services: [
        `${f}.inv.*`,
        `${f}.inv.*.facts`,
        `${f}.rec.*.*.*`,
        `${f}.aud.*`,
        directGet(inventoryStream(fleet), `${f}.inv.*`),
        directGet(inventoryStream(fleet), `${f}.roster.*`),
        directGet(controlStream(fleet), `${f}.ctl.*`),
        directGet(auditStream(fleet), `${f}.aud.*`),
      ],
    },
    joinToControl: { services: [`${f}.svc.enroll`] },
  };
}
