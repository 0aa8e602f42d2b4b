/** The streams of a fleet: what each keeps, for how long, and of what size. JetStream is the only store there is. */
import type { StreamSettings } from './bus.ts';
import { LIMITS } from './limits.ts';
import { Subjects } from './subjects.ts';

/** Roster and inventory. */
export const inventoryStream = (fleet: string): string => `FLEET_${fleet}_INVENTORY`;
/** Roots, revocations, policy, and new credentials for nodes. */
export const controlStream = (fleet: string): string => `FLEET_${fleet}_CONTROL`;
/** What was asked, decided and done. */
export const auditStream = (fleet: string): string => `FLEET_${fleet}_AUDIT`;
/** Tokens to join with, and requests that wait for a decision. */
export const enrollStream = (fleet: string): string => `FLEET_${fleet}_ENROLL`;
/** What was asked and what nodes answered, of jobs that are recorded; commands that wait for a second signature. */
export const jobStream = (fleet: string): string => `FLEET_${fleet}_JOBS`;
/** What programs wrote, of jobs that are recorded: apart from how they ended, so that only output goes where there is no room. */
export const outputStream = (fleet: string): string => `FLEET_${fleet}_OUTPUT`;

/** Commands that wait for nodes that are away: of each node, all of them in one message. */
export const queueStream = (fleet: string): string => `FLEET_${fleet}_QUEUE`;

/** Made by the issuer, whose login alone may. `replicas`: copies over the servers of a cluster. */
export function fleetStreams(fleet: string, replicas = 1): readonly StreamSettings[] {
  const subjects = new Subjects(fleet);
  return [
    {
      name: inventoryStream(fleet),
      subjects: [subjects.rosters(), subjects.inventoryHeads(), subjects.inventoryBodies()],
      maxMessageBytes: LIMITS.inventoryMessageBytes,
      maxMessagesPerSubject: 1,
      replicas,
    },
    {
      name: controlStream(fleet),
      subjects: [subjects.control()],
      maxMessageBytes: LIMITS.envelopeBytes,
      maxMessagesPerSubject: 1,
      replicas,
    },
    {
      name: auditStream(fleet),
      subjects: [subjects.audits()],
      maxMessageBytes: LIMITS.auditMessageBytes,
      maxMessagesPerSubject: undefined,
      maxAgeMs: LIMITS.auditKeepMs,
      // Who got the issuer's login could have it keep one record a writer otherwise.
      isFixed: true,
      replicas,
    },
    {
      name: enrollStream(fleet),
      subjects: [subjects.enrollTokens(), subjects.enrollRequests()],
      maxMessageBytes: LIMITS.enrollMessageBytes,
      maxMessagesPerSubject: 1,
      maxAgeMs: LIMITS.enrollKeepMs,
      replicas,
    },
    {
      name: jobStream(fleet),
      subjects: [subjects.jobs(), subjects.plans(), subjects.records()],
      maxMessageBytes: LIMITS.envelopeBytes,
      maxMessagesPerSubject: undefined,
      maxAgeMs: LIMITS.jobKeepMs,
      replicas,
    },
    {
      name: outputStream(fleet),
      subjects: [subjects.outputs()],
      maxMessageBytes: LIMITS.envelopeBytes,
      maxMessagesPerSubject: undefined,
      maxAgeMs: LIMITS.jobKeepMs,
      maxBytes: LIMITS.outputStreamBytes,
      // How much there is room for the bus's owner knows best.
      isFixed: true,
      replicas,
    },
    {
      name: queueStream(fleet),
      subjects: [subjects.queues()],
      maxMessageBytes: LIMITS.queueBytes + QUEUE_OVERHEAD_BYTES,
      maxMessagesPerSubject: 1,
      maxAgeMs: LIMITS.queueKeepMs,
      replicas,
    },
  ];
}

/** What a list and the bus add to the commands in it. */
const QUEUE_OVERHEAD_BYTES = 8 * 1024;
