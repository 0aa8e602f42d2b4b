/** Tells whoever listens that this agent starts or leaves: shared/wire/event.ts says what that is worth. */
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { Subjects } from '../shared/subjects.ts';
import { VERSION } from '../shared/version.ts';
import type { SignerIdentity } from '../shared/wire/envelope.ts';
import { sealEvent, type NodeEventType } from '../shared/wire/event.ts';

export interface TellEventsDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly fleetId: string;
  readonly identity: SignerIdentity;
}

/** The function never throws: nothing depends on being heard. */
export function createEventTeller(
  { boot, node }: { readonly boot: string; readonly node: string },
  { bus, clock, fleetId, identity, log, subjects }: TellEventsDependencies,
): (type: NodeEventType) => Promise<void> {
  return async (type) => {
    const subject = subjects.event(node, type);
    try {
      const event = { subject, node, type, boot, version: VERSION, at: clock.now() };
      bus.publish(subject, await sealEvent(fleetId, identity, event));
    } catch (error) {
      log.warn({ err: error, event: type }, 'nobody could be told that this agent starts or leaves');
    }
  };
}
