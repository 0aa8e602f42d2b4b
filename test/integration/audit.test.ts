/** The audit trail on a real bus: kept while it's away, stored once, and found out when somebody has been at it. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AuditSource } from '../../controller/audit/audit-source.ts';
import { verifyBus, type WriterVerdict } from '../../controller/audit/verify.ts';
import { AuditLog } from '../../shared/audit/audit-log.ts';
import type { Bus, HistoryMessage } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import { encode } from '../../shared/codec.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { auditStream, fleetStreams } from '../../shared/streams.ts';
import { decodeAuditRecord, recordsOf } from '../../shared/wire/audit.ts';
import { parseEnvelope } from '../../shared/wire/envelope.ts';
import { readStored } from '../support/audit-writer.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { recordingLog } from '../support/recording-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const fleet = new FleetMaterial({ now: Date.now() });
const { subjects } = fleet;
const STREAM = auditStream('main');

let busFleet: BusFleet;
let members: Record<'db1' | 'db2', Member>;
let alice: Bus;
beforeAll(async () => {
  members = { db1: await fleet.node('db1'), db2: await fleet.node('db2') };
  busFleet = await BusFleet.start(fleet);
  alice = await busFleet.bus('alice');
});
afterAll(() => busFleet?.stop());

type Name = 'db1' | 'db2';

/** An agent's trail, on a connection that tries for ever, as an agent's does. */
async function openTrail(name: Name, folder: string): Promise<AuditLog> {
  const { loginJwt, loginSeed } = busFleet.login(name);
  const bus = await connectBus({ servers: [busFleet.server.url], name, loginSeed, loginJwt, patient: true });
  const log = await AuditLog.open(
    {
      folder,
      who: name,
      fleetId: fleet.fleetId,
      stream: STREAM,
      subject: subjects.nodeAudit(name),
      isTimed: true,
    },
    { bus, clock: systemClock, log: recordingLog(), identity: members[name] },
  );
  onTestFinished(async () => {
    await log.close();
    await bus.close();
  });
  return log;
}

function source(): AuditSource {
  const trusted = { fleet: 'main', fleetId: fleet.fleetId, roots: [fleet.root.publicKey] };
  const roster = new Map(
    Object.entries(members).map(([name, { credential }]) => [
      name,
      { name, state: 'joined' as const, trusted: {}, issued: credential.bytes },
    ]),
  );
  return new AuditSource(trusted, { bus: alice, subjects, roster });
}

const verify = (): Promise<WriterVerdict[]> =>
  verifyBus(source(), { filters: [subjects.audits()], now: systemClock.now() });

async function messages(): Promise<HistoryMessage[]> {
  const found: HistoryMessage[] = [];
  await alice.read(STREAM, subjects.audits(), (message) => void found.push(message));
  return found;
}

const eventsOf = async (name: Name): Promise<string[]> =>
  (await messages())
    .filter(({ subject }) => subject === subjects.nodeAudit(name))
    .flatMap(({ data }) => readStored(data).records.map(({ event }) => event));

/** The stream as somebody leaves it who has the server: other messages, or in another order. */
async function rebuild(change: (found: HistoryMessage[]) => Pick<HistoryMessage, 'subject' | 'data'>[]): Promise<void> {
  const changed = change(await messages());
  const owner = await busFleet.owner();
  const jsm = await owner.jetstreamManager();
  await jsm.streams.delete(STREAM);
  const settings = fleetStreams('main').find(({ name }) => name === STREAM);
  await (await busFleet.bus('issuer')).ensureStream(settings!);
  for (const { data, subject } of changed) await owner.jetstream().publish(subject, data);
}

/** An empty stream, and batches of two nodes in turns. */
async function fillStream(): Promise<void> {
  await rebuild(() => []);
  const logs = [
    await openTrail('db1', join(temporaryFolder(), 'a')),
    await openTrail('db2', join(temporaryFolder(), 'a')),
  ];
  for (let round = 0; round < 4; round++)
    for (const log of logs) {
      log.append({ event: 'started', action: 'exec', args: { round } });
      log.append({ event: 'ended', action: 'exec' });
      await log.flush();
    }
}

describe('while the bus is away', () => {
  it('what happens is kept, and stored by itself in its order when it is back, however long it takes', async () => {
    const others = busFleet;
    busFleet = await BusFleet.start(fleet);
    try {
      const log = await openTrail('db1', join(temporaryFolder(), 'audit'));
      log.append({ event: 'before' });
      await log.flush();
      await busFleet.server.kill();
      await log.record({ event: 'meanwhile' }, { durable: true });
      log.append({ event: 'also' });
      await expect(log.flush()).rejects.toMatchObject({ name: 'TransportError' });
      await busFleet.server.restart();
      alice = await busFleet.bus('alice');
      await waitFor(async () => (await eventsOf('db1')).includes('also'), {
        what: 'the records to be stored by themselves',
        timeoutMs: 25_000,
      });
      expect(await eventsOf('db1')).toEqual(['chain-begun', 'before', 'meanwhile', 'also']);
      expect(await verify()).toMatchObject([{ writer: 'db1', holds: true, records: 4 }]);
    } finally {
      await busFleet.stop();
      busFleet = others;
      alice = await busFleet.bus('alice');
    }
  });

  it('and comes back without anything, all that is kept is stored again', async () => {
    await rebuild(() => []);
    const log = await openTrail('db1', join(temporaryFolder(), 'audit'));
    log.append({ event: 'a' });
    await log.flush();
    await rebuild(() => []);
    log.append({ event: 'b' });
    await log.flush();
    expect(await eventsOf('db1')).toEqual(['chain-begun', 'a', 'b']);
    expect(await verify()).toMatchObject([{ holds: true, records: 3 }]);
  });
});

describe('a node of which there are two', () => {
  it('has all that both wrote, and it is told', async () => {
    await rebuild(() => []);
    const [one, two] = [join(temporaryFolder(), 'audit'), join(temporaryFolder(), 'audit')];
    const first = await openTrail('db1', one);
    first.append({ event: 'before the copy' });
    await first.flush();
    cpSync(one, two, { recursive: true });
    const copy = await openTrail('db1', two);
    first.append({ event: 'of the first' });
    await first.flush();
    copy.append({ event: 'of the copy' });
    await copy.flush();
    expect((await eventsOf('db1')).filter((event) => event !== 'chain-begun')).toEqual([
      'before the copy',
      'of the first',
      'of the copy',
    ]);
    const [verdict] = await verify();
    expect(verdict).toMatchObject({ holds: true, chains: 2 });
    expect(verdict?.notes.join()).toContain('a new chain begins');
    rmSync(two, { recursive: true });
  });
});

describe('somebody who has the server', () => {
  const of =
    (name: Name) =>
    ({ subject }: { subject: string }) =>
      subject === subjects.nodeAudit(name);
  /** The verdict about db1; that about db2 has to be good. */
  async function verdictAfter(
    change: (db1: HistoryMessage[]) => Pick<HistoryMessage, 'subject' | 'data'>[],
  ): Promise<WriterVerdict> {
    await fillStream();
    await rebuild((found) => [...change(found.filter(of('db1'))), ...found.filter(of('db2'))]);
    const verdicts = await verify();
    expect(verdicts.find(({ writer }) => writer === 'db2')).toMatchObject({ holds: true });
    const verdict = verdicts.find(({ kind, writer }) => kind === 'node' && writer === 'db1');
    if (verdict === undefined) throw new Error(`no verdict about db1: ${JSON.stringify(verdicts)}`);
    return verdict;
  }

  it('and copies everything as it is, is not found out, for there is nothing to find', async () => {
    expect(await verdictAfter((found) => found)).toMatchObject({ holds: true, records: 9 });
  });

  it('and leaves messages out', async () => {
    const { flaw } = await verdictAfter((found) => found.toSpliced(1, 2));
    expect(flaw).toMatchObject({ kind: 'removed', record: 4 });
  });

  it('and leaves the first out', async () => {
    const { flaw } = await verdictAfter((found) => found.slice(1));
    expect(flaw).toMatchObject({ kind: 'removed', record: 1 });
  });

  it('and exchanges two', async () => {
    const { flaw } = await verdictAfter((found) => [found[0]!, found[2]!, found[1]!, found[3]!]);
    expect(flaw).toMatchObject({ kind: 'reordered', record: 4 });
  });

  it('and puts one there twice', async () => {
    const { flaw } = await verdictAfter((found) => [...found, found[2]!]);
    expect(flaw).toMatchObject({ kind: 'doubled', record: 6 });
  });

  it('and changes what a record says', async () => {
    const { flaw } = await verdictAfter((found) =>
      found.with(2, { ...found[2]!, data: withRecord(found[2]!.data, 1, { action: 'ping' }) }),
    );
    expect(flaw).toMatchObject({ kind: 'changed', record: 7 });
  });

  it('and puts what another node has written in the place of it', async () => {
    await fillStream();
    await rebuild((found) => found.map((message) => ({ ...message, subject: subjects.nodeAudit('db1') })));
    const [verdict] = await verify();
    expect(verdict?.flaw).toMatchObject({ kind: 'foreign' });
  });

  it('and leaves the newest out, is found out when the node writes again', async () => {
    await rebuild(() => []);
    const log = await openTrail('db1', join(temporaryFolder(), 'audit'));
    for (const event of ['a', 'b', 'c']) {
      log.append({ event });
      await log.flush();
    }
    await rebuild((found) => found.slice(0, -1));
    expect(await verify()).toMatchObject([{ holds: true, records: 3 }]);
    // The node sees what the bus has, and stores the rest again.
    log.append({ event: 'd' });
    await log.flush();
    expect(await verify()).toMatchObject([{ holds: true, records: 5 }]);
    expect(await eventsOf('db1')).toEqual(['chain-begun', 'a', 'b', 'c', 'd']);
  });
});

/** Without the key of who signed it. */
function withRecord(data: Uint8Array, index: number, change: object): Uint8Array {
  const [version, payload, signatures, attachment] = parseEnvelope(data);
  const records = recordsOf(attachment).map((bytes, at) =>
    at === index ? encode({ ...decodeAuditRecord(bytes), ...change }) : bytes,
  );
  return encode([version, payload, signatures, encode(records)]);
}
