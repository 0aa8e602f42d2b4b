/**
 * What the service consists of: parts of one shape, started one after another when the bus is there, each saying how it
 * is. They get all they need in a context that service.ts makes; parts.ts lists them.
 */
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Identity } from '../../shared/identity.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { LiveControl } from './live-control.ts';
import type { LiveDirectory } from './live-directory.ts';
import type { Metrics } from './metrics.ts';
import type { Presence } from './presence.ts';

export interface PartHealth {
  readonly ok: boolean;
  /** One line for people. */
  readonly detail?: string | undefined;
}

export interface ServicePart {
  /** As it stands in /readyz and in the log. */
  readonly name: string;
  /**
   * Resolves when it does its work; tried again for as long as it throws a TransportError.
   * @param signal aborted when the service stops: nothing new is begun then
   */
  start(signal: AbortSignal): Promise<void>;
  health(): PartHealth;
  /** Ends what runs, within seconds; the bus is there still, perhaps. Called also where it was never started. */
  stop?(): Promise<void>;
}

export interface ServiceContext {
  readonly fleet: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  /** Roots and revocations hold in it once `control` is started, and are kept up to date. */
  readonly trust: TrustStore;
  /** The service's own; another one when its owner has renewed it. */
  readonly identity: Identity;
  readonly control: LiveControl;
  /** Roster and inventory, in memory. */
  readonly directory: LiveDirectory;
  /** Who is there, and since when. */
  readonly presence: Presence;
  readonly metrics: Metrics;
}
