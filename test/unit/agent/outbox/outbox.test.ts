/** What a node keeps until the bus has it: in order, over restarts, within its room. */
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Outbox, type Outgoing } from '../../../../agent/outbox/outbox.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { waitFor } from '../../../support/wait-for.ts';

const clock = new ManualClock();
const open = async (
  folder: string,
  bus: FakeBus,
  limits: { maxBytes?: number; maxAgeMs?: number } = {},
): Promise<{ outbox: Outbox; log: ReturnType<typeof recordingLog> }> => {
  const log = recordingLog();
  const outbox = await Outbox.open(
    { folder, maxBytes: LIMITS.outboxBytes, maxAgeMs: LIMITS.outboxAgeMs, ...limits },
    { bus, clock, log, heardAt: (subject) => `heard.${subject}` },
  );
  onTestFinished(() => outbox.close());
  return { outbox, log };
};
const broken = (): FakeBus => {
  const bus = new FakeBus();
  bus.broken = new Error('away');
  return bus;
};
const answer = (texts: readonly string[], subject = 'rec.a', kind: Outgoing['kind'] = 'final'): Outgoing => ({
  subject,
  kind,
  key: 'k',
  messages: texts.map((text) => new TextEncoder().encode(text)),
});
const stored = ({ history }: FakeBus): string[] => history.map(({ data }) => Buffer.from(data).toString());
const files = (folder: string): string[] => readdirSync(folder).sort();

describe('the outbox', () => {
  it('stores what it is given, in order, and keeps nothing that is confirmed', async () => {
    const [folder, bus] = [temporaryFolder(), new FakeBus()];
    const { outbox } = await open(folder, bus);
    await outbox.put(answer(['1', '2']));
    await outbox.put(answer(['3']));
    await waitFor(() => outbox.size === 0, { what: 'all to be confirmed' });
    expect(stored(bus)).toEqual(['1', '2', '3']);
    await waitFor(() => files(folder).length === 0, { what: 'the files to be gone' });
  });

  it('has it on the disk before it is sent, and sends it after a restart, the oldest first', async () => {
    const folder = temporaryFolder();
    const first = await open(folder, broken());
    await first.outbox.put(answer(['1', '2']));
    await first.outbox.put(answer(['3']));
    expect(files(folder)).toEqual(['000000000001.msg', '000000000002.msg']);
    await first.outbox.close();

    const bus = new FakeBus();
    const { outbox } = await open(folder, bus);
    await outbox.put(answer(['4']));
    await waitFor(() => outbox.size === 0, { what: 'all to be confirmed' });
    expect(stored(bus)).toEqual(['1', '2', '3', '4']);
  });

  it('says a final once to who waits for it, while the bus is there and does not store it', async () => {
    const [folder, bus] = [temporaryFolder(), new FakeBus()];
    bus.unstorable = new Error('no leader');
    const { outbox } = await open(folder, bus);
    await outbox.put(answer(['1', '2'], 'rec.a'));
    await outbox.put(answer(['out'], 'rec.b', 'output'));
    await waitFor(() => bus.published.length > 0, { what: 'the final to be said' });
    bus.unstorable = undefined;
    await waitFor(() => outbox.size === 0, { what: 'all to be confirmed' });
    expect(bus.published.map(({ subject, data }) => [subject, Buffer.from(data).toString()])).toEqual([
      ['heard.rec.a', '1'],
      ['heard.rec.a', '2'],
    ]);
    expect(stored(bus).toSorted()).toEqual(['1', '2', 'out']);
  });

  it('sends when the bus comes back, without waiting for its time', async () => {
    const bus = broken();
    const { outbox } = await open(temporaryFolder(), bus);
    bus.emit({ type: 'disconnected' });
    await outbox.put(answer(['1']));
    bus.broken = undefined;
    bus.emit({ type: 'reconnected' });
    await waitFor(() => stored(bus).length === 1, { what: 'it to be stored' });
  });

  it('does not let one job wait for another whose answers the bus does not take', async () => {
    const bus = new FakeBus();
    const store = bus.store.bind(bus);
    bus.store = (subject, ...rest) =>
      subject === 'rec.bad' ? Promise.reject(new Error('no')) : store(subject, ...rest);
    const { outbox } = await open(temporaryFolder(), bus);
    await outbox.put(answer(['x'], 'rec.bad'));
    for (const text of ['1', '2', '3']) await outbox.put(answer([text], `rec.${text}`));
    await waitFor(() => outbox.size === 1, { what: 'the others to be stored' });
    expect(stored(bus).sort()).toEqual(['1', '2', '3']);
  });

  it('drops the oldest output where there is no room, and finals only when that is not enough', async () => {
    const folder = temporaryFolder();
    const size = 10_000;
    const { outbox, log } = await open(folder, broken(), { maxBytes: 5 * size });
    const big = (name: string): string[] => [name.padEnd(size, '.')];
    await outbox.put(answer(big('final 1')));
    for (const at of [2, 3, 4]) await outbox.put(answer(big(`output ${at}`), 'rec.a', 'output'));
    await outbox.put(answer(big('final 5')));
    await outbox.put(answer(big('final 6')));
    const left = async (): Promise<string[]> => {
      await outbox.close();
      const bus = new FakeBus();
      const next = await open(folder, bus);
      await waitFor(() => next.outbox.size === 0, { what: 'all to be confirmed' });
      return stored(bus).map((text) => text.replace(/\.+$/, ''));
    };
    expect(JSON.stringify(log.events)).toContain('answers that waited to be recorded were dropped');
    expect(await left()).toEqual(['final 1', 'output 4', 'final 5', 'final 6']);
  });

  it('drops what is too old to be read by anybody', async () => {
    const folder = temporaryFolder();
    const { outbox } = await open(folder, broken(), { maxAgeMs: 1_000 });
    await outbox.put(answer(['old']));
    clock.advance(2_000);
    await outbox.put(answer(['new']));
    expect(files(folder)).toEqual(['000000000002.msg']);
  });

  it('puts aside what a broken disk left, says so, and sends the rest', async () => {
    const folder = temporaryFolder();
    const first = await open(folder, broken());
    await first.outbox.put(answer(['1']));
    await first.outbox.put(answer(['2']));
    await first.outbox.close();
    truncateSync(join(folder, '000000000001.msg'), 5);
    writeFileSync(join(folder, '000000000003.msg.new'), 'half');
    const bus = new FakeBus();
    const { outbox, log } = await open(folder, bus);
    await waitFor(() => outbox.size === 0, { what: 'the rest to be confirmed' });
    expect(stored(bus)).toEqual(['2']);
    expect(JSON.stringify(log.events)).toContain('damaged');
    await waitFor(() => files(folder).join() === '000000000001.msg.damaged', { what: 'the rest to be gone' });
  });

  it('sends what it could not write, and says what that risks', async () => {
    const folder = join(temporaryFolder(), 'outbox');
    const bus = new FakeBus();
    const { outbox, log } = await open(folder, bus);
    // Where the file would go, there is something that can't be replaced.
    mkdirSync(join(folder, '000000000001.msg.new'));
    await outbox.put(answer(['1']));
    await waitFor(() => outbox.size === 0, { what: 'it to be confirmed' });
    expect(stored(bus)).toEqual(['1']);
    expect(JSON.stringify(log.events)).toContain('could not be written to the disk');
  });
});
