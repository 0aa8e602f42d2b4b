/**
 * What is stored on the bus about nodes, of any content, really signed by who may write it: `[kind, payload]`. What a
 * controller reads of it is about that node, and everything else is told as a problem.
 */
import { readInventory, readInventoryHeads, readRoster } from '../../../controller/directory.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { matchWhere } from '../../../shared/where/match.ts';
import { parseWhere } from '../../../shared/where/parse.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const entries: FuzzTarget = {
  name: 'entries',
  about: 'roster and inventory entries of any content, really signed: read as that node and nothing else, or told of',
  sources: ['controller/directory.ts', 'shared/wire/roster.ts', 'shared/wire/inventory.ts'],
  maxBytes: 16 * 1024,
  shape: 'tree',
  dictionary:
    'roster head body subject revision node state credential joined retired facts volatile actions tasks taskProblems name description changes check timeoutMs parameters type required default choices pattern min max allowLeadingDash protocol agent indexed schemas crit source reason trusted role db1 db2 string integer number boolean fleet.main.inv.db1 fleet.main.inv.db1.facts'.split(
      ' ',
    ),
  work: { base: 3_000_000, perByte: 3_000 },
  start,
};

const WHERE = parseWhere('role=db and not (tags in (a, web*) or os.*.major>8 or name=~/^x/) and has(trusted.role)');

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const [issuer, db1, db2] = [await fleet.issuer(), await fleet.node('db1'), await fleet.node('db2')];
  const { subjects } = fleet;
  const hash = new Uint8Array(32);
  const parameters = {
    n: { type: 'integer', min: 1, max: 5, default: 2 },
    s: { type: 'string', pattern: '[a-z]+', choices: ['a'] },
  };
  const body = {
    subject: subjects.inventoryBody('db1'),
    revision: 5,
    node: 'db1',
    facts: { role: 'db', tags: ['a', 1, { x: null }], os: { release: { major: 12 } }, trusted: { role: 'web' } },
    volatile: ['load', 'memory.*'],
    actions: ['ping', 'exec'],
    tasks: [{ name: 'migrate', changes: true, check: false, timeoutMs: 5_000, parameters }],
    taskProblems: [{ source: 'x.yaml', reason: 'no' }],
  };
  const head = { subject: subjects.inventoryHead('db1'), revision: 5, node: 'db1', protocol: [1], agent: '0.1.0', indexed: { role: 'db' }, facts: hash, schemas: hash }; // prettier-ignore
  const roster = {
    subject: subjects.roster('db1'),
    revision: 1,
    node: 'db1',
    state: 'joined',
    credential: db1.credential.bytes,
  };
  const seeds = [
    ['roster', roster],
    ['roster', { ...roster, credential: db2.credential.bytes }],
    ['head', head],
    ['body', body],
  ].map((seed) => encode(seed));

  return {
    seeds,
    run: async (input) => {
      let item: unknown;
      if (codeOf(() => (item = decode(input))) !== 'accepted' || !Array.isArray(item)) return 'no entry';
      const [kind, content = null] = item as [unknown, unknown];
      const payload = content instanceof Uint8Array ? content : encode(content);
      const bus = new FakeBus();
      const trust = fleet.trust(new ManualClock());
      trust.verify(db1.credential);
      const source = { fleet: 'main', bus, subjects, trust };
      const store = async (subject: string, by: typeof db1, message: 'roster' | 'inventory'): Promise<unknown> =>
        bus.store(subject, await seal(message, fleet.fleetId, by, payload, { inlineCredential: true }));
      if (kind === 'roster') {
        await store(subjects.roster('db1'), issuer, 'roster');
        const { roster: read, problems } = await readRoster(source);
        promise(read.size + problems.length === 1, 'neither read nor told of');
        // A node whose credential doesn't hold belongs to the fleet, and says why.
        for (const { name, credential, problem } of read.values())
          promise(name === 'db1' && (credential === undefined) === (problem !== undefined), 'read as another');
        return read.size === 1 ? 'roster' : outcomeOf(problems);
      }
      const isHead = kind === 'head';
      await store(isHead ? subjects.inventoryHead('db1') : subjects.inventoryBody('db1'), db1, 'inventory');
      if (isHead) {
        const { heads, problems } = await readInventoryHeads(source);
        promise(heads.size + problems.length === 1, 'neither read nor told of');
        return heads.size === 1 ? 'head' : outcomeOf(problems);
      }
      const { bodies, problems } = await readInventory(source);
      promise(bodies.size <= 1 && bodies.size + problems.length >= 1, 'neither read nor told of');
      for (const [name, { facts }] of bodies) {
        promise(name === 'db1', 'read as another');
        matchWhere(WHERE, facts);
      }
      return bodies.size === 1 ? `body ${problems.length}` : outcomeOf(problems);
    },
  };
}

const outcomeOf = ([problem = '']: readonly string[]): string =>
  (problem.split(': ')[1] ?? problem).replace(/".*"|\d+/g, '');
