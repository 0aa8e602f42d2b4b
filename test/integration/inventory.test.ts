/** What nodes publish about themselves, and what a controller makes of what the bus keeps: on a real server. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InventoryPublisher, type InventoryContent } from '../../agent/inventory-publisher.ts';
import {
  readInventory,
  readInventoryHeads,
  readRoster,
  type DirectoryDependencies,
} from '../../controller/directory.ts';
import type { Bus } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256 } from '../../shared/signing.ts';
import { inventoryStream } from '../../shared/streams.ts';
import { open, seal } from '../../shared/wire/envelope.ts';
import { encodeInventory } from '../../shared/wire/inventory.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLog } from '../support/recording-log.ts';
import { waitFor } from '../support/wait-for.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
const STREAM = inventoryStream('main');
const content: InventoryContent = {
  facts: { role: 'db', cpus: 4 },
  indexed: [],
  volatile: ['memory.free'],
  actions: ['ping'],
  tasks: [],
  taskProblems: [],
};

let busFleet: BusFleet;
let folder: string;
let members: Record<'db1' | 'db2', Member>;
let buses: Record<'alice' | 'issuer' | 'db1' | 'db2', Bus>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-inventory-'));
  members = { db1: await fleet.node('db1'), db2: await fleet.node('db2') };
  busFleet = await BusFleet.start(fleet);
  buses = {
    alice: await busFleet.bus('alice'),
    issuer: await busFleet.bus('issuer'),
    db1: await busFleet.bus('db1'),
    db2: await busFleet.bus('db2'),
  };
  for (const name of ['db1', 'db2'] as const)
    await buses.issuer.store(subjects.roster(name), await fleet.sealRoster(members[name]));
});
afterAll(async () => {
  await busFleet?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Publishing {
  readonly publisher: InventoryPublisher;
  readonly clock: ManualClock;
  readonly log: ReturnType<typeof recordingLog>;
  content: InventoryContent;
}

function createPublisher(name: 'db1' | 'db2', stateDir = folder, indexed = ['role'], bus = buses[name]): Publishing {
  const clock = new ManualClock();
  const log = recordingLog();
  const trust = fleet.trust(clock);
  trust.verify(members[name].credential);
  const publishing: Publishing = {
    clock,
    log,
    content,
    publisher: new InventoryPublisher(
      { fleet: 'main', node: name, stateDir, indexed },
      {
        bus,
        clock,
        log,
        subjects,
        identity: members[name],
        trust,
        content: () => Promise.resolve(publishing.content),
      },
    ),
  };
  return publishing;
}

function createReader(): DirectoryDependencies {
  return { fleet: 'main', bus: buses.alice, subjects, trust: fleet.trust(new ManualClock()), revisions: new Map() };
}

/** As a controller does that has just connected. */
async function readAll(reader = createReader()) {
  const directory = await readRoster(reader);
  const { bodies, problems } = await readInventory(reader, directory.roster);
  const { heads, problems: headProblems } = await readInventoryHeads(reader, directory.roster);
  return { roster: directory.roster, bodies, heads, problems: [...directory.problems, ...problems, ...headProblems] };
}

describe('a node', () => {
  it('publishes what it is, and a controller reads it back', async () => {
    const { publisher, log, clock } = createPublisher('db1');
    expect(await publisher.wasRolledBack()).toBe(false);
    await publisher.update();
    expect(log.events.filter(({ level }) => level === 'warn')).toEqual([]);
    const { bodies, heads, problems, roster } = await readAll();
    expect(problems).toEqual([]);
    expect([...roster.keys()].sort()).toEqual(['db1', 'db2']);
    expect(bodies.get('db1')).toMatchObject({ ...content, revision: clock.now() });
    expect(heads.get('db1')).toMatchObject({ revision: clock.now(), protocol: [1], indexed: { role: 'db' } });
    expect(bodies.get('db2')).toBeUndefined();
  });

  it('names its body in its head, by hash', async () => {
    const trust = fleet.trust(new ManualClock());
    trust.verify(members.db1.credential);
    const stored = await buses.alice.load(STREAM, subjects.inventoryBody('db1'));
    const { payload } = open('inventory', fleet.fleetId, stored?.data ?? new Uint8Array(), trust);
    const { heads } = await readAll();
    expect(Buffer.from(heads.get('db1')?.facts ?? [])).toEqual(Buffer.from(sha256(payload)));
  });

  it('publishes nothing when nothing has changed, and a higher revision when something has', async () => {
    const publishing = createPublisher('db2');
    const { publisher, clock } = publishing;
    await publisher.update();
    const first = (await readAll()).heads.get('db2')?.revision ?? 0;
    clock.advance(1_000);
    await publisher.update();
    expect((await readAll()).heads.get('db2')?.revision).toBe(first);
    publishing.content = { ...content, facts: { role: 'web' } };
    // The clock may stand still, or go back: a revision doesn't.
    clock.setTo(0);
    await publisher.update();
    const { bodies } = await readAll();
    expect(bodies.get('db2')).toMatchObject({ revision: first + 1, facts: { role: 'web' } });
  });

  it('knows at its next start what it published, also when its own disk does not', async () => {
    const publishing = createPublisher('db2');
    expect(await publishing.publisher.wasRolledBack()).toBe(false);
    const revisionFile = join(folder, 'revision');
    const revision = Number(readFileSync(revisionFile, 'utf8'));
    writeFileSync(revisionFile, '1\n');
    const rolledBack = createPublisher('db2');
    expect(await rolledBack.publisher.wasRolledBack()).toBe(true);
    rolledBack.clock.setTo(0);
    rolledBack.content = { ...content, facts: {} };
    await rolledBack.publisher.update();
    expect(Number(readFileSync(revisionFile, 'utf8'))).toBeGreaterThan(revision);
  });

  it('with no memory of its own and none at the bus was not rolled back', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    const other = await BusFleet.start(fleet);
    try {
      const bus = await other.bus('db1');
      const { publisher } = createPublisher('db1', empty, [], bus);
      expect(await publisher.wasRolledBack()).toBe(false);
      expect(existsSync(join(empty, 'revision'))).toBe(false);
    } finally {
      await other.stop();
    }
  });

  it('whose head would grow too large leaves out what it would be found by, not what it is', async () => {
    const publishing = createPublisher('db1', folder, ['role', 'large', 'cpus']);
    publishing.content = { ...content, facts: { ...content.facts, large: 'x'.repeat(LIMITS.indexedFactsBytes) } };
    await publishing.publisher.wasRolledBack();
    await publishing.publisher.update();
    const { heads, bodies } = await readAll();
    expect(heads.get('db1')?.indexed).toEqual({ role: 'db', cpus: 4 });
    expect(bodies.get('db1')?.facts).toHaveProperty('large');
    const stored = await buses.alice.load(STREAM, subjects.inventoryHead('db1'));
    expect(stored?.data.length).toBeLessThanOrEqual(LIMITS.inventoryHeadBytes);
  });

  it('that can not store says so, and tries again', async () => {
    const publishing = createPublisher('db1');
    publishing.content = { ...content, facts: { huge: 'x'.repeat(LIMITS.inventoryMessageBytes) } };
    await publishing.publisher.update();
    publishing.publisher.stop();
    expect(publishing.log.events.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('what the bus keeps', () => {
  /** Stores by its owner's login, whatever it is: what a broken or stolen node could do. */
  const problemsAfter = async (
    name: 'db1' | 'db2',
    data: Uint8Array,
  ): Promise<{ names: string[]; problems: string[] }> => {
    await buses[name].store(subjects.inventoryBody(name), data);
    const { bodies, problems } = await readAll();
    return { names: [...bodies.keys()], problems };
  };
  const body = (name: string): Uint8Array =>
    encodeInventory({
      subject: subjects.inventoryBody(name), revision: 9e15, node: name, facts: {}, volatile: [], actions: [], tasks: [],
    }); // prettier-ignore
  const sealed = (name: string, by: Member): Promise<Uint8Array> =>
    seal('inventory', fleet.fleetId, by, body(name), { inlineCredential: true });

  it('is left out, and told, when it is of another signer, for another subject, tampered with or junk', async () => {
    const right = await sealed('db2', members.db2);
    const tampered = Uint8Array.from(right);
    tampered[10] = (tampered[10] ?? 0) ^ 1;
    const wrong = [
      await sealed('db2', members.db1),
      await sealed('db1', members.db1),
      await sealed('db2', await new FleetMaterial({ label: 'other' }).node('db2')),
      tampered,
      Uint8Array.of(0xc1),
    ];
    for (const data of wrong) {
      const { names, problems } = await problemsAfter('db2', data);
      expect(names).not.toContain('db2');
      expect(problems).toEqual([expect.stringContaining(subjects.inventoryBody('db2'))]);
    }
    expect((await problemsAfter('db2', right)).problems).toEqual([]);
  });

  it('is left out, and told, when it is older than what this controller has seen', async () => {
    const reader = createReader();
    await readAll(reader);
    const older = encodeInventory({
      subject: subjects.inventoryBody('db2'),
      revision: 1,
      node: 'db2',
      facts: {},
      volatile: [],
      actions: [],
      tasks: [],
    });
    await buses.db2.store(
      subjects.inventoryBody('db2'),
      await seal('inventory', fleet.fleetId, members.db2, older, { inlineCredential: true }),
    );
    const { bodies, problems } = await readAll(reader);
    expect([...bodies.keys()]).not.toContain('db2');
    expect(problems).toEqual([expect.stringMatching(/revision 1 is older/)]);
  });

  it('is there again after the bus was killed and started again', async () => {
    const other = await BusFleet.start(fleet);
    try {
      const issuer = await other.bus('issuer');
      await issuer.store(subjects.roster('db1'), await fleet.sealRoster(members.db1));
      await other.server.kill();
      await other.server.restart();
      // A command line connects anew, and so does this.
      const bus = await waitFor(() => other.bus('alice'), { what: 'the bus to be there again' });
      const { roster, problems } = await readRoster({ ...createReader(), bus });
      expect([[...roster.keys()], problems]).toEqual([['db1'], []]);
    } finally {
      await other.stop();
    }
  });
});

describe('a bus that lost what it kept', () => {
  it('is given the entry again after the next connection, once there is storage', async () => {
    const own = await BusFleet.start(fleet);
    try {
      const bus = await own.bus('db1');
      const { publisher } = createPublisher('db1', await mkdtemp(join(folder, 'lost-')), [], bus);
      await publisher.update();
      const reconnected = new Promise<void>((resolve) =>
        bus.onEvent(({ type }) => type === 'reconnected' && resolve()),
      );
      await own.loseStorage();
      await reconnected;
      expect(await bus.load(STREAM, subjects.inventoryHead('db1'))).toBeUndefined();
      await publisher.update();
      expect(await bus.load(STREAM, subjects.inventoryHead('db1'))).toBeUndefined();
      await publisher.verify();
      expect(await bus.load(STREAM, subjects.inventoryHead('db1'))).toBeDefined();
      publisher.stop();
    } finally {
      await own.stop();
    }
  });
});

describe('a node with more than fits into an entry', () => {
  const task = (at: number, length: number): InventoryContent['tasks'][number] => ({
    name: `task-${String(at).padStart(4, '0')}`,
    description: 'd'.repeat(length),
    changes: true,
    check: false,
    parameters: { mode: { type: 'string', description: 'e'.repeat(length), choices: ['f'.repeat(400)] } },
  });
  const publish = async (changes: Partial<InventoryContent>, indexed?: string[]) => {
    const publishing = createPublisher('db2', await mkdtemp(join(folder, 'large-')), indexed);
    await publishing.publisher.wasRolledBack();
    publishing.content = { ...content, ...changes };
    await publishing.publisher.update();
    publishing.publisher.stop();
    expect(publishing.log.events.filter(({ message }) => message.includes('could not be published'))).toEqual([]);
    const { bodies } = await readAll();
    return bodies.get('db2');
  };

  it('leaves out what tasks are described as, and says so', async () => {
    const body = await publish({ tasks: Array.from({ length: 200 }, (_, at) => task(at, 1_000)) });
    expect(body?.tasks).toHaveLength(200);
    expect(body?.tasks[0]).not.toHaveProperty('description');
    expect(body?.taskProblems).toMatchObject([
      { source: 'inventory', reason: expect.stringContaining('descriptions') as string },
    ]);
  });

  it('leaves out the last tasks where that is not enough, and says how many', async () => {
    const body = await publish({ tasks: Array.from({ length: 1_000 }, (_, at) => task(at, 1_000)) });
    const kept = body?.tasks.length ?? 0;
    expect(kept).toBeGreaterThan(300);
    expect(kept).toBeLessThan(1_000);
    expect(body?.tasks.at(-1)?.name).toBe(task(kept - 1, 0).name);
    expect(body?.taskProblems?.[0]?.reason).toContain(`the last ${1_000 - kept} of 1000 tasks`);
  });

  it('is in the inventory when its tasks have more values than a reader takes', async () => {
    const choices = Array.from({ length: LIMITS.decodeItems }, () => 1);
    const many = { ...task(2, 1), parameters: { n: { type: 'integer' as const, choices } } };
    const body = await publish({ tasks: [task(1, 1), many] });
    expect(body?.tasks.map(({ name }) => name)).toEqual(['task-0001']);
  });

  it('keeps its head small, whatever is to be indexed', async () => {
    const paths = Array.from({ length: 16 }, (_, at) => `${'p'.repeat(60)}${at}`);
    await publish({ facts: Object.fromEntries(paths.map((path) => [path, 1])) }, paths);
    const head = await buses.alice.load(STREAM, subjects.inventoryHead('db2'));
    expect(head?.data.length).toBeLessThanOrEqual(LIMITS.inventoryHeadBytes);
  });
});
