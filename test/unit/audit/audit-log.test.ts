/** The audit trail of one writer: nothing is lost, nothing is there twice, whatever happens to bus, process and disk. */
import { cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuditLog } from '../../../shared/audit/audit-log.ts';
import type { StoreOptions } from '../../../shared/bus.ts';
import { TransportError } from '../../../shared/errors.ts';
import { AuditWriter, expectChained, write } from '../../support/audit-writer.ts';
import { startChild } from '../../support/child-process.ts';
import { FakeBus } from '../../support/fake-bus.ts';
import { codeOfAsync } from '../../support/refusal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait-for.ts';

const away = new TransportError('the bus is away', { code: 'bus-storage' });

describe('the audit trail', () => {
  it('stores what was written, many records with one signature, each naming the one before it', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open();
    write(log, 'a', 'b', 'c');
    await log.flush();
    write(log, 'd');
    await log.flush();
    await log.close();
    expect(writer.stored().map(({ records }) => records.map(({ event, seq }) => [seq, event]))).toEqual([
      [
        [1, 'chain-begun'],
        [2, 'a'],
        [3, 'b'],
        [4, 'c'],
      ],
      [[5, 'd']],
    ]);
    expectChained(writer.bus);
  });

  it('stores nothing where there is nothing new', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open();
    await log.flush();
    await log.flush();
    await log.close();
    expect(writer.bus.history).toHaveLength(1);
  });

  it('puts no more into one batch than a message takes', async () => {
    const writer = new AuditWriter(temporaryFolder());
    writer.bus.maxPayloadBytes = 64 * 1024;
    const log = await writer.open();
    for (let at = 0; at < 100; at++) log.append({ event: `e${at}`, args: { text: 'x'.repeat(2_000) } });
    await log.flush();
    await log.close();
    expect(writer.events()).toHaveLength(100);
    expect(Math.max(...writer.bus.history.map(({ data }) => data.length))).toBeLessThan(64 * 1024);
    expectChained(writer.bus);
  });

  it('keeps what the bus does not take, and stores it in its order when it does', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open();
    write(log, 'a');
    await log.flush();
    writer.bus.broken = away;
    write(log, 'b');
    await expect(log.flush()).rejects.toThrow('away');
    write(log, 'c');
    await expect(log.flush()).rejects.toThrow('away');
    writer.bus.broken = undefined;
    await log.flush();
    await log.close();
    expect(writer.events()).toEqual(['a', 'b', 'c']);
    expectChained(writer.bus);
  });

  it('keeps more than its memory would for as long as the bus is away', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open({ fileBytes: 200_000 });
    writer.bus.broken = away;
    const count = 1_500;
    for (let at = 0; at < count; at++) {
      log.append({ event: `e${at}`, args: { text: 'x'.repeat(1_500) } });
      if (at % 100 === 0) await log.flush().catch(() => undefined);
    }
    writer.bus.broken = undefined;
    await log.flush();
    write(log, 'last');
    await log.flush();
    await log.close();
    expect(writer.events()).toEqual([...Array.from({ length: count }, (_, at) => `e${at}`), 'last']);
    expectChained(writer.bus);
  });

  it('stores nothing twice when the bus took it and could not say so', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open();
    write(log, 'a');
    await log.flush();
    const deaf = new FakeBusThatForgetsToAnswer(writer.bus);
    const again = await reopen(log, writer, deaf);
    write(again, 'b');
    await expect(again.flush()).rejects.toThrow('no answer');
    write(again, 'c');
    await again.flush();
    await again.close();
    expect(writer.events()).toEqual(['a', 'b', 'c']);
  });
});

describe('a bus that has lost everything', () => {
  it('gets all that is kept, again', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open();
    write(log, 'a', 'b');
    await log.flush();
    writer.bus.loseAll();
    write(log, 'c');
    await log.flush().catch(() => undefined);
    await log.flush();
    await log.close();
    expect(writer.events()).toEqual(['a', 'b', 'c']);
    expectChained(writer.bus);
  });
});

describe('a trail of limited size', () => {
  const large = { text: 'x'.repeat(1_000) };

  it('lets the oldest files go, and only those that the bus has', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open({ fileBytes: 10_000, keptBytes: 60_000 });
    for (let round = 0; round < 10; round++) {
      for (let at = 0; at < 10; at++) log.append({ event: 'e', args: large });
      await log.flush();
    }
    const kept = writer.files().map((name) => statSync(join(writer.trailFolder, name)).size);
    expect(kept.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60_000);
    expect(writer.files()[0]).not.toBe('00000001.trail');
    await log.close();
    expect(writer.events()).toHaveLength(100);
    expectChained(writer.bus);
  });

  it('refuses what has to be recorded, and counts the rest, while the bus takes nothing; then it tells how many', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open({ fileBytes: 10_000, keptBytes: 40_000 });
    writer.bus.broken = away;
    for (let at = 0; at < 100; at++) {
      log.append({ event: 'e', args: large });
      await log.flush().catch(() => undefined);
    }
    expect(await codeOfAsync(() => log.record({ event: 'started' }, { durable: true }))).toBe('cannot-record');
    writer.bus.broken = undefined;
    await log.flush();
    expect(await codeOfAsync(() => log.record({ event: 'started' }, { durable: true }))).toBe('accepted');
    await log.close();
    const records = writer.stored().flatMap((batch) => batch.records);
    const kept = records.filter(({ event }) => event === 'e').length;
    const lost = records.find(({ event }) => event === 'lost')?.times ?? 0;
    expect(kept + lost).toBe(100);
    expect(lost).toBeGreaterThan(10);
    expectChained(writer.bus);
  });

  it('on a disk that takes no more refuses what has to be recorded, and loses nothing of the rest', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open();
    await log.flush();
    const limitFileSize = async (bytes: string): Promise<void> => {
      const child = await startChild('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}`]);
      expect(await child.ended).toMatchObject({ code: 0 });
    };
    // Like a full disk, it stops a write half-way.
    await limitFileSize(`${statSync(writer.newest()).size + 10}:`);
    try {
      expect(await codeOfAsync(() => log.record({ event: 'a' }, { durable: true }))).toBe('cannot-record');
      write(log, 'b');
      await expect(log.flush()).rejects.toThrow();
      expect(writer.events()).toEqual([]);
    } finally {
      await limitFileSize('unlimited:');
    }
    await log.record({ event: 'c' }, { durable: true });
    await log.flush();
    await log.close();
    expect(writer.events()).toEqual(['a', 'b', 'c']);
    expectChained(writer.bus);
  });
});

describe('a name that several machines write under', () => {
  it('has a chain of each, none of them with anything twice', async () => {
    const bus = new FakeBus();
    const [one, two] = [new AuditWriter(temporaryFolder(), bus), new AuditWriter(temporaryFolder(), bus)];
    for (let round = 0; round < 4; round++) {
      const logs = [await one.open({ isShared: true }), await two.open({ isShared: true })];
      logs.forEach((log, at) => write(log, `machine ${at} round ${round}`));
      await Promise.all(logs.map((log) => log.flush()));
      await Promise.all(logs.map((log) => log.close()));
    }
    expect(one.events().toSorted()).toEqual(
      [0, 1].flatMap((at) => [0, 1, 2, 3].map((round) => `machine ${at} round ${round}`)).toSorted(),
    );
    expect(one.chains()).toHaveLength(2);
  });

  it('stores nothing twice where another machine wrote behind what the bus took in silence', async () => {
    const bus = new FakeBus();
    const [one, two] = [new AuditWriter(temporaryFolder(), bus), new AuditWriter(temporaryFolder(), bus)];
    const first = await one.open({ isShared: true, bus: new FakeBusThatForgetsToAnswer(bus) });
    write(first, 'a');
    await expect(first.flush()).rejects.toThrow('no answer');
    const other = await two.open({ isShared: true });
    write(other, 'b');
    await other.close();
    const again = await reopen(first, one, bus, true);
    write(again, 'c');
    await again.close();
    expect(one.events()).toEqual(['a', 'b', 'c']);
  });
});

describe('by itself', () => {
  it('stores soon after something was written, and tries again where the bus was away', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const log = await writer.open({ isTimed: true });
    writer.bus.broken = away;
    write(log, 'a');
    await waitFor(() => writer.log.events.some(({ message }) => message.includes('could not be stored')), {
      what: 'the first attempt to fail',
    });
    writer.bus.broken = undefined;
    await waitFor(() => writer.events().includes('a'), { what: 'the record to be stored' });
    await log.close();
  });
});

/** The second message is stored, and the answer lost. */
class FakeBusThatForgetsToAnswer {
  readonly maxPayloadBytes = 1024 * 1024;
  readonly #bus: FakeBus;
  #forgets = true;

  constructor(bus: FakeBus) {
    this.#bus = bus;
  }

  async store(subject: string, data: Uint8Array, options?: StoreOptions): Promise<number> {
    const sequence = await this.#bus.store(subject, data, options);
    if (!this.#forgets) return sequence;
    this.#forgets = false;
    throw new TransportError('no answer', { code: 'bus-storage' });
  }

  load: FakeBus['load'] = (stream, subject) => this.#bus.load(stream, subject);
  read: FakeBus['read'] = (...args) => this.#bus.read(...args);
}

async function reopen(
  log: AuditLog,
  writer: AuditWriter,
  bus: FakeBus | FakeBusThatForgetsToAnswer,
  isShared = false,
): Promise<AuditLog> {
  const copy = temporaryFolder();
  cpSync(writer.folder, copy, { recursive: true });
  await log.close();
  rmSync(writer.folder, { recursive: true });
  cpSync(copy, writer.folder, { recursive: true });
  return writer.open({ bus, isShared });
}
