/**
 * Takes a node off the roster, or puts it back: the entry that is there, signed anew by the issuer of today. Who may, and
 * whether the node's credential holds, is looked at before: retire.ts, revoke.ts.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Identity } from '../../shared/identity.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRosterEntry, type RosterEntry } from '../../shared/wire/roster.ts';
import { nextRevision } from './next-revision.ts';

export interface RosterDependencies {
  readonly bus: Bus;
  readonly issuer: Identity;
  readonly clock: Clock;
}

/** @throws TransportError */
export async function storeRosterState(
  entry: RosterEntry,
  state: RosterEntry['state'],
  { bus, clock, issuer }: RosterDependencies,
): Promise<void> {
  const payload = encodeRosterEntry({ ...entry, state, revision: nextRevision(clock.now(), entry.revision) });
  await bus.store(entry.subject, await seal('roster', issuer.fleetId, issuer, payload, { inlineCredential: true }));
}
