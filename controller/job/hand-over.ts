/**
 * Sends a job that nobody waits for, and once more to the nodes of which nothing was heard: a bus that loses a server loses
 * what is on its way there, and nobody would be there to ask again. What came of it is read from the record.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, BusMessage } from '../../shared/bus.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { publishCommand } from '../publish.ts';
import { Receiver, type AnswerTrust } from '../receive.ts';
import type { SignedCommand } from '../request.ts';

export interface HandOverDependencies {
  readonly bus: Bus;
  readonly caller: string;
  readonly subjects: Subjects;
  readonly trust: AnswerTrust;
}

export interface HandedOver {
  readonly job: string;
  readonly commands: readonly SignedCommand[];
  readonly nodes: readonly string[];
}

/** Resolves when every node has been heard of, or has been sent it twice. */
export async function handOver(
  { commands, job, nodes }: HandedOver,
  { caller, trust, ...ways }: HandOverDependencies,
): Promise<void> {
  if (nodes.length === 0) return;
  const { bus, subjects } = ways;
  const receiver = new Receiver({ caller, job }, { subjects, trust });
  const silent = new Set(nodes);
  const heard = new AbortController();
  const take = (message: BusMessage): void => {
    const result = receiver.receive(message);
    if (result !== undefined) silent.delete(result.node);
    if (silent.size === 0) heard.abort();
  };
  const subscription = bus.subscribe(subjects.resultsOf(caller, job), take);
  try {
    for (const command of commands) {
      receiver.expectAnswersTo(command);
      publishCommand(command, ways, silent);
    }
    await bus.flush();
    await delay(LIMITS.handOverMs, undefined, { signal: heard.signal }).catch(() => undefined);
    if (silent.size === 0) return;
    for (const command of commands) publishCommand(command, ways, silent);
    await bus.flush();
  } finally {
    subscription.close();
  }
}
