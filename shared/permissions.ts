/**
 * Who may publish and subscribe what at the bus, and which subjects cross from one NATS account to another: the table
 * of docs/protocol.md as data. controller/setup/bus-accounts.ts makes the JWTs of accounts and logins of it.
 */
import {
  auditStream,
  controlStream,
  enrollStream,
  fleetStreams,
  inventoryStream,
  jobStream,
  outputStream,
  queueStream,
} from './streams.ts';
import {
  CONTROL_DOCUMENTS,
  inboxPrefix,
  joinInboxPrefix,
  READINGS,
  readPrefix,
  Subjects,
  toToken,
} from './subjects.ts';

/** Where a server takes an account's JWT (NATS's own subject). */
export const ACCOUNT_UPDATE = '$SYS.REQ.CLAIMS.UPDATE';

/**
 * NATS accounts. What is stored has one of its own: within an account, the server doesn't look at where the confirmation
 * of a message, or the answer to a read, is to be sent, so whoever shares one with a stream can have it store anything.
 * SYS is the servers' own, and holds no fleet's traffic.
 */
export const ACCOUNTS = ['SYS', 'STORE', 'CONTROL', 'NODES', 'JOIN'] as const;
export type AccountName = (typeof ACCOUNTS)[number];

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
      `${f}.rec.*.*.${n}.out`,
      `${f}.res.*.*.${n}`,
      subjects.nodeAudit(node),
      `${f}.evt.${n}.*`,
      directGet(inventoryStream(fleet), `${f}.inv.${n}`),
      directGet(inventoryStream(fleet), subjects.roster(node)),
      directGet(controlStream(fleet), `${f}.ctl.*`),
      directGet(auditStream(fleet), subjects.nodeAudit(node)),
      // Reads what waits for it, and takes out what is done.
      subjects.queue(node),
      directGet(queueStream(fleet), subjects.queue(node)),
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
      // Who may read it sends it when they like: what is stored there is for services.
      `${f}.plan.${c}.*`,
      `${f}.lead.${c}.*`,
      `${f}.svc.*`,
      subjects.callerAudit(caller),
      // Any node's: what is in it counts by its signatures.
      subjects.queues(),
      ...operatorReads(fleet),
      ...recordReaders(fleet, `${f}.rec.${c}.>`),
    ],
    subscribe: [
      `${f}.res.${c}.>`,
      `${f}.rec.${c}.>`,
      `${f}.evt.>`,
      // Whether anybody leads its batches.
      `${f}.lead.${c}.*`,
      `${readPrefix(caller)}.*`,
      `${inboxPrefix(caller)}.>`,
    ],
  };
}

/** An operator with the role `admin`: it writes the policy, and sees what nodes answered to anybody. */
export function adminPermissions(fleet: string, caller: string): BusPermissions {
  const subjects = new Subjects(fleet);
  const { publish, subscribe } = operatorPermissions(fleet, caller);
  return {
    publish: [...publish, subjects.controlDocument('policy'), ...recordReaders(fleet, `${subjects.prefix}.rec.>`)],
    subscribe: [...subscribe, `${subjects.prefix}.res.>`, subjects.leads()],
  };
}

/**
 * The service, in the account CONTROL: it leads jobs whose caller is gone, sees what nodes answered to anybody, and hears
 * who comes and goes. What it says counts by its signature, and nodes let its key do no more than `ping`.
 */
export function servicePermissions(fleet: string, service: string): BusPermissions {
  const subjects = new Subjects(fleet);
  const f = subjects.prefix;
  return {
    publish: [
      `${f}.cmd.>`,
      subjects.jobs(),
      subjects.leads(),
      ...operatorReads(fleet),
      ...recordReaders(fleet, `${f}.rec.>`),
      planReader(fleet),
      ...documentReaders(fleet, service),
    ],
    subscribe: [
      subjects.resolve(),
      subjects.leadQuestion(),
      subjects.leads(),
      `${f}.res.>`,
      `${f}.evt.>`,
      `${f}.bus.*`,
      `${readPrefix(service)}.*`,
      `${inboxPrefix(service)}.>`,
    ],
    answers: true,
  };
}

/** An issuer, in the account STORE: makes the streams, writes the roster, lets nodes join. It sends no commands. */
export function issuerPermissions(fleet: string, issuer: string): BusPermissions {
  const subjects = new Subjects(fleet);
  const f = subjects.prefix;
  const streamCalls = fleetStreams(fleet).flatMap(({ name, isFixed }) =>
    (isFixed === true ? ['CREATE', 'INFO'] : ['CREATE', 'UPDATE', 'INFO']).map(
      (verb) => `$JS.API.STREAM.${verb}.${name}`,
    ),
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
    subscribe: [subjects.enroll(), subjects.enrollAdmin(), `${readPrefix(issuer)}.*`, `${inboxPrefix(issuer)}.>`],
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

/** Reading what nodes answered, and what programs wrote: each operator its own. `$JS.FC` of the streams all have already. */
const recordReaders = (fleet: string, filter: string): string[] =>
  [jobStream(fleet), outputStream(fleet)].map((stream) => `$JS.API.CONSUMER.CREATE.${stream}.*.${filter}`);

/** Reading what batches send: whoever may can send it. */
const planReader = (fleet: string): string =>
  `$JS.API.CONSUMER.CREATE.${jobStream(fleet)}.*.${new Subjects(fleet).plans()}`;

/** Hearing of a new document of the whole fleet, and of a new credential of its own: a service runs for months. */
function documentReaders(fleet: string, service: string): string[] {
  const subjects = new Subjects(fleet);
  return consumers(controlStream(fleet), [
    ...CONTROL_DOCUMENTS.map((kind) => subjects.controlDocument(kind)),
    subjects.renewal('service', service),
  ]);
}

/** All that every operator may read of what is stored. */
function operatorReads(fleet: string): string[] {
  const subjects = new Subjects(fleet);
  return [
    ...readers(fleet),
    ...consumers(auditStream(fleet), [subjects.audits()]),
    directGet(auditStream(fleet), subjects.audits()),
    ...consumers(jobStream(fleet), [subjects.jobs()]),
    directGet(jobStream(fleet), subjects.jobs()),
    `$JS.FC.${outputStream(fleet)}.>`,
    directGet(queueStream(fleet), subjects.queues()),
  ];
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

/** What crosses from one account to another, and nothing else does: messages, or questions and their answers. */
export interface Crossing {
  readonly from: AccountName;
  readonly to: AccountName;
  /** `stream`: who is in `to` hears it. `service`: who is in `from` says it there, and gets the answer. */
  readonly type: 'stream' | 'service';
  readonly subjects: readonly string[];
  /** What a subject is called where it arrives. @default as where it comes from */
  readonly arrivesAs?: ((subject: string) => string) | undefined;
}

/**
 * Each is exported by one account and imported by the other.
 * @param nodesAccount public key of NODES: the servers name the account in what they say of it
 */
export function accountCrossings(fleet: string, nodesAccount: string): readonly Crossing[] {
  const subjects = new Subjects(fleet);
  const f = subjects.prefix;
  return [
    // A policy goes both ways: what comes to be stored from another account isn't passed on from there.
    { from: 'CONTROL', to: 'NODES', type: 'stream', subjects: [`${f}.cmd.>`, subjects.controlDocument('policy')] },
    { from: 'STORE', to: 'NODES', type: 'stream', subjects: [`${f}.ctl.>`] },
    { from: 'STORE', to: 'CONTROL', type: 'stream', subjects: [`${READINGS}.*.*`] },
    { from: 'NODES', to: 'CONTROL', type: 'stream', subjects: [`${f}.res.>`, `${f}.evt.>`] },
    // Who logs in and who is gone, as the servers say it: they alone speak in SYS.
    {
      from: 'SYS',
      to: 'CONTROL',
      type: 'stream',
      subjects: [`$SYS.ACCOUNT.${nodesAccount}.CONNECT`, `$SYS.ACCOUNT.${nodesAccount}.DISCONNECT`],
      arrivesAs: (subject) => (subject.endsWith('.CONNECT') ? subjects.connected() : subjects.disconnected()),
    },
    {
      from: 'NODES',
      to: 'STORE',
      type: 'service',
      subjects: [
        `${f}.inv.*`,
        `${f}.inv.*.facts`,
        subjects.records(),
        subjects.outputs(),
        `${f}.aud.*`,
        directGet(inventoryStream(fleet), `${f}.inv.*`),
        directGet(inventoryStream(fleet), `${f}.roster.*`),
        directGet(controlStream(fleet), `${f}.ctl.*`),
        directGet(auditStream(fleet), `${f}.aud.*`),
        subjects.queues(),
        directGet(queueStream(fleet), subjects.queues()),
      ],
    },
    {
      from: 'CONTROL',
      to: 'STORE',
      type: 'service',
      subjects: [
        subjects.jobs(),
        subjects.plans(),
        subjects.enrollAdmin(),
        // Of all documents only the policy is granted to anybody. Not that one alone: a server hands the answers to what is
        // asked in an account on to an import of one subject, and not to one with a wildcard.
        subjects.control(),
        `${f}.aud.caller.*`,
        subjects.queues(),
        ...operatorReads(fleet),
        ...recordReaders(fleet, `${f}.rec.>`),
        planReader(fleet),
        // Of a service's own credential the name isn't known here; whoever may ask is said in its login.
        ...consumers(controlStream(fleet), [subjects.control()]),
        // For nobody: without it, the server answers the other calls in CONTROL itself, that it has no streams there.
        '$JS.API.INFO',
      ],
    },
    { from: 'JOIN', to: 'STORE', type: 'service', subjects: [subjects.enroll()] },
  ];
}
