/** What the bus grants this side and keeps for the fleet; and how far its clock is from this one. */
import type { Bus, BusEvent } from '../bus.ts';
import { EXIT, FleetError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { nodePermissions, operatorPermissions, servicePermissions } from '../permissions.ts';
import { controlStream, inventoryStream } from '../streams.ts';
import { inboxPrefix, Subjects } from '../subjects.ts';
import { openPolicy } from '../take-policy.ts';
import { VERSION } from '../version.ts';
import { spanText } from './durations.ts';
import type { Examination } from './examination.ts';
import type { Check } from './finding.ts';

/** Clocks further apart than half of what commands allow are on their way to being refused. */
const WORRYING_SKEW_MS = LIMITS.clockSkewMs / 2;

export const checkClock: Check<Examination> = async ({ bus, clock, identity, options }, report) => {
  if (bus === undefined || identity === undefined) return false;
  const subjects = new Subjects(identity.fleet);
  const stream = inventoryStream(identity.fleet);
  const asked = clock.now();
  const there =
    options.side === 'operator'
      ? await bus.serverTime(stream, subjects.rosters())
      : await timeOfOwnEntry(bus, stream, subjects.inventoryHead(identity.name));
  const answered = clock.now();
  if (there === undefined) {
    report({ check: 'clock', state: 'ok', detail: 'not compared: this node has not been in the inventory yet' });
    return true;
  }
  // Between the two moments at which it may have been read.
  const offset = there < asked ? there - asked : there > answered ? there - answered : 0;
  const detail =
    Math.abs(offset) < 100
      ? 'as the clock of the bus'
      : `${spanText(offset)} ${offset > 0 ? 'behind' : 'ahead of'} the clock of the bus`;
  const mend = 'Set the clock: run an NTP client (timedatectl set-ntp true), here or on the bus, whichever is wrong.';
  if (Math.abs(offset) >= LIMITS.clockSkewMs) report({ check: 'clock', state: 'failed', detail, mend });
  else if (Math.abs(offset) >= WORRYING_SKEW_MS) report({ check: 'clock', state: 'warning', detail, mend });
  else report({ check: 'clock', state: 'ok', detail });
  return true;
};

/** A node may read no clock but that of what it stores: the very same entry once more, if nobody was faster. */
async function timeOfOwnEntry(bus: Bus, stream: string, subject: string): Promise<number | undefined> {
  const entry = await bus.load(stream, subject);
  if (entry === undefined) return undefined;
  try {
    await bus.store(subject, entry.data, { expectedSequence: entry.sequence });
  } catch (error) {
    // The agent has just stored a newer one: that has the time as well.
    if (!(error instanceof FleetError) || error.code !== 'store-conflict') throw error;
  }
  return (await bus.load(stream, subject))?.storedAt;
}

/** Asks for every subscription that this side needs; publishing is granted by the same list. */
export const checkPermissions: Check<Examination> = async ({ bus, identity, options, renewal }, report) => {
  if (bus === undefined || identity === undefined) return false;
  const { fleet, name } = identity;
  const { kind } = identity.credential.body;
  const permissions =
    options.side === 'node' ? nodePermissions : kind === 'service' ? servicePermissions : operatorPermissions;
  const { subscribe } = permissions(fleet, name);
  const refused = new Set<string>();
  bus.onEvent((event: BusEvent) => {
    if (event.type === 'refused') refused.add(event.subject);
  });
  const wanted = subscribe.filter((subject) => !subject.startsWith(inboxPrefix(name)));
  const subscriptions = wanted.map((subject) => bus.subscribe(subject, () => undefined));
  try {
    // The server refuses before it answers the first; by the second the client has told.
    await bus.flush();
    await bus.flush();
  } finally {
    for (const subscription of subscriptions) subscription.close();
  }
  const [first] = refused;
  report(
    first === undefined
      ? { check: 'permissions', state: 'ok', detail: `the bus grants all ${wanted.length} subscriptions` }
      : {
          check: 'permissions',
          state: 'failed',
          detail: `the bus refuses ${refused.size === 1 ? '' : `${refused.size} subscriptions, among them `}${first}`,
          mend: `${renewal}: the login is from another version or for another name`,
          exit: EXIT.bus,
        },
  );
  return true;
};

/** Nodes do nothing without a policy, and take none from who may not sign it any more. */
export const checkPolicy: Check<Examination> = async ({ bus, clock, identity, trust }, report) => {
  if (bus === undefined || identity === undefined || trust === undefined) return false;
  const subjects = new Subjects(identity.fleet);
  const stored = await bus.load(controlStream(identity.fleet), subjects.controlDocument('policy'));
  const mend = 'fleet policy push policy.yaml, as an operator with the role admin (`fleet policy show` has the text)';
  if (stored === undefined) {
    report({
      check: 'policy',
      state: 'failed',
      detail: 'the bus has no policy of this fleet: every node refuses everything',
      mend,
    });
    return true;
  }
  try {
    const { document, signer } = openPolicy(stored.data, { trust, subjects, clock });
    const signed = `revision ${document.revision}, signed by ${signer.body.name}`;
    const left = signer.body.notAfter - clock.now();
    report(
      left < LIMITS.expiresSoonMs
        ? {
            check: 'policy',
            state: 'warning',
            detail: `${signed}, whose credential ends in ${spanText(left)}: servers that join later won't take it`,
            mend: 'fleet ca renew operator NAME, and with the new keys: fleet policy push policy.yaml',
          }
        : { check: 'policy', state: 'ok', detail: signed },
    );
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    report({
      check: 'policy',
      state: 'failed',
      detail: `nodes don't take the policy any more, those apart that had it before: ${error.message}`,
      mend,
    });
  }
  return true;
};

/** The oldest nats-server that has what is needed: direct gets of one subject, accounts by JWT with JetStream. */
const OLDEST_SERVER = [2, 9] as const;

export const checkVersions: Check<Examination> = async ({ server }, report) => {
  if (server === undefined) return false;
  const [major = 0, minor = 0] = server.version.split('.').map(Number);
  const isOld = major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]);
  report(
    isOld
      ? {
          check: 'versions',
          state: 'failed',
          detail: `nats-server ${server.version} is older than ${OLDEST_SERVER.join('.')}`,
          mend: 'Upgrade nats-server.',
        }
      : { check: 'versions', state: 'ok', detail: `fleet ${VERSION}, nats-server ${server.version}` },
  );
  return true;
};
