/**
 * Who may publish and subscribe what at the bus, and which subjects cross from one NATS account to another: the table
 * of docs/protocol.md as data. deploy tools turn it into a nats-server configuration.
 */
import { inboxPrefix, inventoryStream, Subjects, toToken } from './subjects.ts';

export interface BusPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** A node, in the account NODES: its own entries and answers, nobody else's. */
export function nodePermissions(fleet: string, node: string): BusPermissions {
  const f = new Subjects(fleet).prefix;
  const n = toToken(node);
  return {
    publish: [
      `${f}.inv.${n}`,
      `${f}.inv.${n}.facts`,
      `${f}.rec.*.*.${n}`,
      `${f}.res.*.*.${n}`,
      `${f}.aud.${n}`,
      `${f}.evt.${n}.*`,
      directGet(fleet, `${f}.inv.${n}`),
    ],
    subscribe: [`${f}.cmd.all`, `${f}.cmd.node.${n}`, `${f}.cmd.fact.>`, `${f}.ctl.>`, `${inboxPrefix(node)}.>`],
  };
}

/** An operator, in the account CONTROL: any command (nodes decide by its signature), and the answers to its own. */
export function operatorPermissions(fleet: string, caller: string): BusPermissions {
  const f = new Subjects(fleet).prefix;
  const c = toToken(caller);
  return {
    publish: [`${f}.cmd.>`, `${f}.job.${c}.*`, `${f}.svc.*`, ...readers(fleet)],
    subscribe: [`${f}.res.${c}.>`, `${f}.rec.${c}.>`, `${inboxPrefix(caller)}.>`],
  };
}

/** An issuer, in the account CONTROL: makes the streams, writes the roster. It sends no commands. */
export function issuerPermissions(fleet: string, issuer: string): BusPermissions {
  const f = new Subjects(fleet).prefix;
  const stream = inventoryStream(fleet);
  const streamCalls = ['CREATE', 'UPDATE', 'INFO'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`);
  return {
    publish: [`${f}.roster.*`, ...streamCalls, ...readers(fleet)],
    subscribe: [`${inboxPrefix(issuer)}.>`],
  };
}

/** Who has no credential yet, in the account JOIN: asks to be enrolled, and hears the answer. All share one login. */
export function joinPermissions(fleet: string): BusPermissions {
  return { publish: [`${new Subjects(fleet).prefix}.svc.enroll`], subscribe: [`${inboxPrefix('join')}.*`] };
}

/** Reading roster and inventory: consumers with a filter, and gets by subject. Never a consumer without a filter. */
function readers(fleet: string): string[] {
  const subjects = new Subjects(fleet);
  const stream = inventoryStream(fleet);
  const filters = [subjects.rosters(), subjects.inventoryHeads(), subjects.inventoryBodies()];
  return [
    ...filters.map((filter) => `$JS.API.CONSUMER.CREATE.${stream}.*.${filter}`),
    directGet(fleet, `${subjects.prefix}.>`),
    // Saying that what the server sent has come. Worth nothing to who would say it for another: it paces a reading.
    `$JS.FC.${stream}.>`,
  ];
}

function directGet(fleet: string, subject: string): string {
  return `$JS.API.DIRECT.GET.${inventoryStream(fleet)}.${subject}`;
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
      services: [`${f}.inv.*`, `${f}.inv.*.facts`, `${f}.rec.*.*.*`, `${f}.aud.*`, directGet(fleet, `${f}.inv.*`)],
    },
    joinToControl: { services: [`${f}.svc.enroll`] },
  };
}
