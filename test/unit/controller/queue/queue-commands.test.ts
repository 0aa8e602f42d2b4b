import { describe, expect, it } from 'vitest';
import { queueCommands, type QueueDependencies } from '../../../../controller/queue/queue-commands.ts';
import type { StoreOptions } from '../../../../shared/bus.ts';
import { TransportError } from '../../../../shared/errors.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { decodeQueue, encodeQueue } from '../../../../shared/wire/queue.ts';
import { Subjects } from '../../../../shared/subjects.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { ManualClock, NOW } from '../../../support/manual-clock.ts';

const HOUR_MS = 60 * 60_000;
const subjects = new Subjects('main');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const forNode = (node: string, text: string, until = NOW + HOUR_MS): { node: string; message: Uint8Array; until: number } => ({ node, message: bytes(text), until }); // prettier-ignore

function on(bus: FakeBus): QueueDependencies {
  return { fleet: 'main', bus, clock: new ManualClock(), subjects };
}

function waiting(bus: FakeBus, node: string): string[] {
  const stored = bus.stored.get(subjects.queue(node));
  return stored === undefined ? [] : decodeQueue(stored).map(({ message }) => Buffer.from(message).toString());
}

describe('commands for nodes that are away', () => {
  it('lie behind what is there already, in order', async () => {
    const bus = new FakeBus();
    const first = await queueCommands([forNode('db1', 'a'), forNode('db2', 'a')], on(bus));
    expect(first).toEqual({ queued: ['db1', 'db2'], failed: new Map() });
    await queueCommands([forNode('db1', 'b'), forNode('db1', 'c')], on(bus));
    expect([waiting(bus, 'db1'), waiting(bus, 'db2')]).toEqual([['a', 'b', 'c'], ['a']]);
  });

  it('lie there once, however often they are put there', async () => {
    const bus = new FakeBus();
    for (let time = 0; time < 3; time++) await queueCommands([forNode('db1', 'a')], on(bus));
    expect(waiting(bus, 'db1')).toEqual(['a']);
  });

  it('are not overwritten by who puts others there at the same moment', async () => {
    const bus = new FakeBus();
    await Promise.all(['a', 'b', 'c', 'd'].map((text) => queueCommands([forNode('db1', text)], on(bus))));
    expect(waiting(bus, 'db1').sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are found there, and not put there twice, where the bus stored them and its answer was lost', async () => {
    let attempts = 0;
    class ForgetfulBus extends FakeBus {
      override async store(subject: string, data: Uint8Array, options: StoreOptions = {}): Promise<number> {
        // Asked by nats-bus.ts once more, the bus says that somebody was faster.
        expect(options.mayRepeat).toBe(true);
        await super.store(subject, data, options);
        attempts++;
        throw new TransportError('stored meanwhile', { code: 'store-conflict' });
      }
    }
    const bus = new ForgetfulBus();
    const outcome = await queueCommands([forNode('db1', 'a'), forNode('db1', 'b')], on(bus));
    expect(outcome).toEqual({ queued: ['db1'], failed: new Map() });
    expect([attempts, waiting(bus, 'db1')]).toEqual([1, ['a', 'b']]);
  });

  it('make room when they have ended, on a node whose clock may be behind', async () => {
    const bus = new FakeBus();
    bus.stored.set(
      subjects.queue('db1'),
      encodeQueue([
        { message: bytes('long over'), until: NOW - LIMITS.clockSkewMs },
        { message: bytes('just over'), until: NOW - LIMITS.clockSkewMs + 1 },
      ]),
    );
    await queueCommands([forNode('db1', 'new')], on(bus));
    expect(waiting(bus, 'db1')).toEqual(['just over', 'new']);
  });

  it('are refused, all that were for the node, when there are too many; the others are stored', async () => {
    const bus = new FakeBus();
    const many = Array.from({ length: LIMITS.queueEntries - 1 }, (_, at) => forNode('db1', `${at}`));
    await queueCommands(many, on(bus));
    const outcome = await queueCommands([forNode('db1', 'x'), forNode('db1', 'y'), forNode('db2', 'x')], on(bus));
    expect(outcome.queued).toEqual(['db2']);
    expect(outcome.failed.get('db1')).toEqual({
      code: 'queue-full',
      reason: 'its queue is full: 31 commands wait for it already, 32 may',
    });
    expect(waiting(bus, 'db1')).toHaveLength(many.length);
    expect((await queueCommands([forNode('db1', 'x')], on(bus))).queued).toEqual(['db1']);
  });

  it('are refused when they are too large', async () => {
    const bus = new FakeBus();
    await queueCommands([forNode('db1', 'a')], on(bus));
    const outcome = await queueCommands([forNode('db1', 'b'.repeat(LIMITS.queueBytes))], on(bus));
    expect(outcome.failed.get('db1')?.code).toBe('queue-full');
    expect(waiting(bus, 'db1')).toEqual(['a']);
  });

  it('take the place of what is no queue', async () => {
    const bus = new FakeBus();
    bus.stored.set(subjects.queue('db1'), bytes('junk'));
    expect((await queueCommands([forNode('db1', 'a')], on(bus))).queued).toEqual(['db1']);
    expect(waiting(bus, 'db1')).toEqual(['a']);
  });

  it('are said not to be stored when the bus does not, and it is not asked for every node', async () => {
    let asked = 0;
    class AwayBus extends FakeBus {
      override store(_subject: string, _data: Uint8Array, _options: StoreOptions = {}): Promise<number> {
        asked++;
        return Promise.reject(new TransportError('the bus is away', { code: 'no-storage' }));
      }
    }
    const nodes = Array.from({ length: 1_000 }, (_, at) => `n${at}`);
    const { failed, queued } = await queueCommands(nodes.map((node) => forNode(node, 'a')), on(new AwayBus())); // prettier-ignore
    expect([queued.length, failed.size]).toEqual([0, nodes.length]);
    expect(failed.get('n999')).toEqual({
      code: 'queue-unavailable',
      reason: 'it could not be queued: the bus is away',
    });
    expect(asked).toBeLessThanOrEqual(LIMITS.queueConcurrent);
  });
});
