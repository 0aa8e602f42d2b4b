import { afterEach, describe, expect, it } from 'vitest';
import { NodeQueue } from '../../../../agent/queue/node-queue.ts';
import { TransportError } from '../../../../shared/errors.ts';
import { Subjects } from '../../../../shared/subjects.ts';
import { decodeQueue, encodeQueue } from '../../../../shared/wire/queue.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { FleetMaterial } from '../../../support/fleet-material.ts';
import { NOW } from '../../../support/manual-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { waitFor } from '../../../support/wait-for.ts';

const subjects = new Subjects('main');
const SUBJECT = subjects.queue('db1');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (data: Uint8Array): string => Buffer.from(data).toString();

/** A node's queue on a bus, whose commands end when the test says so. */
class QueueUnderTest {
  readonly bus = new FakeBus();
  readonly log = recordingLog();
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (isDone: boolean) => void>();
  /** Whether policy and revocations can be fetched. */
  isCurrent = true;
  readonly queue = new NodeQueue(
    { fleet: 'main', node: 'db1' },
    {
      bus: this.bus,
      log: this.log,
      subjects,
      control: { renew: () => Promise.resolve(this.isCurrent) },
      carryOut: ({ data, subject }) => {
        this.begun.push(subject === subjects.commandNode('db1') ? textOf(data) : `misrouted to ${subject}`);
        return new Promise((resolve) => this.#ends.set(textOf(data), resolve));
      },
      random: () => 0,
    },
  );

  put(...messages: (string | Uint8Array)[]): void {
    const added = messages.map((message) => (typeof message === 'string' ? bytes(message) : message));
    const there = this.bus.stored.get(SUBJECT);
    const entries = there === undefined ? [] : decodeQueue(there);
    void this.bus.store(
      SUBJECT,
      encodeQueue([...entries, ...added.map((message) => ({ message, until: NOW + 60_000 }))]),
    );
  }

  get waiting(): string[] {
    const stored = this.bus.stored.get(SUBJECT);
    return stored === undefined ? [] : decodeQueue(stored).map(({ message }) => textOf(message));
  }

  async end(text: string, isDone = true): Promise<void> {
    const end = await waitFor(() => this.#ends.get(text), { what: `${text} to begin` });
    this.#ends.delete(text);
    end(isDone);
  }

  async begins(...texts: string[]): Promise<void> {
    await waitFor(() => this.begun.join(', ') === texts.join(', '), { what: `exactly ${texts.join(', ')} to begin` });
  }
}

let tested: QueueUnderTest;
const start = (...messages: string[]): QueueUnderTest => {
  tested = new QueueUnderTest();
  tested.put(...messages);
  tested.queue.start();
  return tested;
};
afterEach(() => tested.queue.stop());

describe('what waits for a node', () => {
  it('is carried out in its order, the next when the one before is done, and taken out then', async () => {
    const node = start('a', 'b', 'c');
    await node.begins('a');
    expect(node.waiting).toEqual(['a', 'b', 'c']);
    await node.end('a');
    await node.begins('a', 'b');
    expect(node.waiting).toEqual(['b', 'c']);
    await node.end('b');
    await node.end('c');
    await waitFor(() => node.waiting.length === 0, { what: 'an empty queue' });
    expect(node.begun).toEqual(['a', 'b', 'c']);
  });

  it('is taken out without what was added meanwhile', async () => {
    const node = start('a');
    await node.begins('a');
    node.put('b');
    await node.end('a');
    await node.begins('a', 'b');
    expect(node.waiting).toEqual(['b']);
    await node.end('b');
  });

  it('is looked at when the bus is back, and what runs already is not begun again', async () => {
    const node = start('a');
    await node.begins('a');
    node.put('b');
    node.bus.emit({ type: 'reconnected' });
    expect(await node.queue.holds(bytes('b'))).toBe(true);
    expect(node.begun).toEqual(['a']);
    await node.end('a');
    await node.begins('a', 'b');
    await node.end('b');
  });

  it('holds what a copy of it comes for, also when it was stored just now; and nothing else', async () => {
    const node = start();
    expect(await node.queue.holds(bytes('a'))).toBe(false);
    node.put('a');
    expect(await node.queue.holds(bytes('a'))).toBe(true);
    expect(await node.queue.holds(bytes('b'))).toBe(false);
    await node.end('a');
    await waitFor(() => node.waiting.length === 0, { what: 'an empty queue' });
    expect(await node.queue.holds(bytes('a'))).toBe(false);
  });

  it('holds nothing back when the bus can not say', async () => {
    const node = start();
    node.bus.broken = new TransportError('away', { code: 'no-storage' });
    expect(await node.queue.holds(bytes('a'))).toBe(false);
  });

  it('waits while nobody can say who has been revoked', async () => {
    const node = start();
    node.isCurrent = false;
    node.put('a');
    expect(await node.queue.holds(bytes('a'))).toBe(true);
    expect(node.begun).toEqual([]);
    node.isCurrent = true;
    node.bus.emit({ type: 'reconnected' });
    await node.begins('a');
    await node.end('a');
  });

  it('stays where it could not be carried out now, and is tried again', async () => {
    const node = start('a', 'b');
    await node.end('a', false);
    node.bus.emit({ type: 'reconnected' });
    await node.begins('a', 'a');
    expect(node.waiting).toEqual(['a', 'b']);
    await node.end('a');
    await node.begins('a', 'a', 'b');
    await node.end('b');
  });

  it('is taken out later when the bus is away at the end, and not carried out again', async () => {
    const node = start('a', 'b');
    await node.begins('a');
    node.bus.broken = new TransportError('away', { code: 'no-storage' });
    await node.end('a');
    await waitFor(() => node.log.events.length > 0, { what: 'the log to say that it could not be taken out' });
    node.bus.broken = undefined;
    node.bus.emit({ type: 'reconnected' });
    await node.begins('a', 'b');
    expect(node.waiting).toEqual(['b']);
    await node.end('b');
  });

  it('is thrown away where it is no list of commands', async () => {
    const node = start();
    node.bus.stored.set(SUBJECT, bytes('junk'));
    expect(await node.queue.holds(bytes('a'))).toBe(false);
    expect(node.waiting).toEqual([]);
    node.put('a');
    expect(await node.queue.holds(bytes('a'))).toBe(true);
    await node.end('a');
  });

  it('lets a cancel through at once, while another command runs', async () => {
    const fleet = new FleetMaterial();
    const cancel = await fleet.sealCommand(fleet.command('cancel', { kind: 'cancel' }), await fleet.operator('alice'));
    const node = start('a', 'b');
    await node.begins('a');
    node.put(cancel);
    node.bus.emit({ type: 'reconnected' });
    await node.begins('a', textOf(cancel));
    await node.end(textOf(cancel));
    await waitFor(() => node.waiting.join() === 'a,b', { what: 'the cancel to be taken out' });
    await node.end('a');
    await node.end('b');
  });

  it('begins nothing more once it is stopped', async () => {
    const node = start('a', 'b');
    await node.begins('a');
    await node.queue.stop();
    await node.end('a');
    expect(await node.queue.holds(bytes('b'))).toBe(false);
    expect(node.waiting).toEqual(['a', 'b']);
    expect(node.begun).toEqual(['a']);
  });
});
