/**
 * A process that holds many emulated nodes: waits for its orders, brings the nodes up, some at once, and says how far it
 * is. Ends with TERM or INT, and with whoever started it unless it was told to go on alone.
 */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { EmulationOrders, nodeName, type EmulationReport } from '../../shared/emulate.ts';
import { FleetError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { parseJoinToken } from '../../shared/wire/join-token.ts';
import { EmulatedNode } from './emulated-node.ts';
import { drawFacts, readFactTemplate } from './fact-template.ts';

/** The channel to whoever started it. */
export interface OrderChannel {
  send(report: EmulationReport): void;
  onOrders(take: (orders: unknown) => void): void;
  onClosed(take: () => void): void;
}

export interface WorkerDependencies {
  readonly log: Logger;
  readonly bootId: string;
  readonly channel: OrderChannel;
  readonly signal: AbortSignal;
}

/** Nodes that are brought up at once: enough to keep a core busy while others wait for the bus. */
const AT_ONCE = 24;
const REPORT_EVERY_MS = 250;
/** Nodes that are stopped at once. */
const STOPPED_AT_ONCE = 200;

/** Resolves when all of it has ended. */
export async function runWorker({ log, bootId, channel, signal }: WorkerDependencies): Promise<void> {
  const stop = new AbortController();
  // Every node listens to it: no leak that Node should warn of.
  setMaxListeners(0, stop.signal);
  signal.addEventListener('abort', () => stop.abort(signal.reason), { once: true });
  const orders = await takeOrders(channel, stop);
  if (orders === undefined) return;
  const { facts, folder, isDetached, misbehavior, names, processes, seed } = orders;
  if (!isDetached) channel.onClosed(() => stop.abort('its parent has gone'));
  const template = await readFactTemplate(facts);
  const token = orders.join === undefined ? undefined : parseJoinToken(orders.join.token);
  const counted = { joined: 0, ready: 0 };
  const reporting = setInterval(() => channel.send({ type: 'progress', ...counted }), REPORT_EVERY_MS);
  const up: EmulatedNode[] = [];
  const numbers = Array.from({ length: names.count }, (_, at) => names.first + at);
  await inParallel(numbers, AT_ONCE, async (number) => {
    if (stop.signal.aborted) return;
    const name = nodeName(names, number);
    try {
      const own = join(folder, name);
      mkdirSync(own, { recursive: true, mode: 0o700 });
      const node = new EmulatedNode(
        { node: name, folder: own, seed, misbehavior, bootId, token, processes: { ...processes, value: `${processes.mark}/${name}` }, url: orders.join?.url, facts: drawFacts(template, seed, name) },
        { log, signal: stop.signal },
      ); // prettier-ignore
      await node.join();
      counted.joined++;
      await node.start();
      counted.ready++;
      up.push(node);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!(error instanceof FleetError)) log.error({ err: error, node: name }, 'an emulated node did not come up');
      channel.send({ type: 'failed', node: name, reason: error instanceof Error ? error.message : String(error) });
    }
  });
  clearInterval(reporting);
  channel.send({ type: 'progress', ...counted });
  if (!stop.signal.aborted)
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  await inParallel(up, STOPPED_AT_ONCE, (node) => node.stop());
}

/** Undefined where there are none any more. */
async function takeOrders(channel: OrderChannel, stop: AbortController): Promise<EmulationOrders | undefined> {
  return new Promise((resolve, reject) => {
    channel.onOrders((orders) => {
      const parsed = EmulationOrders.safeParse(orders);
      if (parsed.success) resolve(parsed.data);
      else reject(new Error('orders of another version', { cause: parsed.error }));
    });
    channel.onClosed(() => resolve(undefined));
    stop.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    channel.send({ type: 'waiting' });
  });
}

async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
