/**
 * Hears of agents that start while something is waited for: an agent that was restarted knows what became of its commands
 * at once, and who asks it doesn't have to wait until its silence says so.
 */
import type { Bus, Subscription } from '../shared/bus.ts';
import { FleetError } from '../shared/errors.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { openEvent } from '../shared/wire/event.ts';

/** One that starts over and over is not asked each time. */
const ASKED_PER_NODE = 5;

export interface HearStartsDependencies {
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  /** Whether it is waited for now. */
  readonly isWaitedFor: (node: string) => boolean;
}

/** @param onStart called with a node that is waited for, and whose agent has started */
export function hearStarts(
  expected: readonly string[],
  onStart: (node: string) => void,
  { bus, isWaitedFor, subjects, trust }: HearStartsDependencies,
): Subscription {
  const bySubject = new Map(expected.map((node) => [subjects.event(node, 'started'), node]));
  const asked = new Map<string, number>();
  return bus.subscribe(subjects.eventsOf('started'), (message) => {
    // Ten thousand may start at once, and few of them are waited for: only of these a signature is looked at.
    const node = bySubject.get(message.subject);
    if (node === undefined || !isWaitedFor(node)) return;
    const times = (asked.get(node) ?? 0) + 1;
    if (times > ASKED_PER_NODE) return;
    try {
      openEvent(message, { fleetId: trust.fleetId, subjects, credentials: trust });
    } catch (error) {
      if (error instanceof FleetError) return;
      throw error;
    }
    asked.set(node, times);
    onStart(node);
  });
}
