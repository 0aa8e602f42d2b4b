/**
 * What `fleet ca` and `fleet revoke` have changed, for the audit trail of the issuer: told from the register and the chain
 * of roots before and after, so that an interrupted run is in it as far as it came. The change stands by then: a trail that
 * can't be written is said, and nothing is taken back; without the bus it stays in the folder, and goes with the next.
 */
import { openServiceAudit } from '../audit/service-audit.ts';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, TransportError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import { connectIssuer } from './enroll-node.ts';
import type { FleetHome } from './fleet-home.ts';
import { describeFolderError } from './make-folder.ts';
import type { Issued } from './register.ts';
import { readChain } from './roots-chain.ts';

interface State {
  readonly issued: readonly Issued[];
  /** Steps of the chain of roots, and the hashes of those that hold. */
  readonly step: number;
  readonly roots: readonly string[];
}

export interface AuditChangesDependencies {
  readonly clock: Clock;
  /** Told what went wrong, in one line. */
  readonly onProblem: (line: string) => unknown;
}

/**
 * Does the work, and has the trail say what it changed, also where it ends with an error.
 * @throws SettingsError `folder-unusable`; what the work throws
 */
export async function withAudit<T>(
  home: FleetHome,
  dependencies: AuditChangesDependencies,
  work: () => Promise<T>,
): Promise<T> {
  if (!home.exists()) return work();
  const before = await stateOf(home);
  try {
    return await work();
  } catch (error) {
    throw describeFolderError(home.folder, error);
  } finally {
    await writeChanges(home, before, dependencies);
  }
}

/** What is in the one and not in the other. Nodes that are issued by the thousand are one record. Pure. */
export function changesOf(before: State, after: State): AuditEvent[] {
  const known = new Map(before.issued.map((one) => [one.serial, one]));
  const made = after.issued.filter(({ serial }) => !known.has(serial));
  const revoked = after.issued.filter((one) => one.revoked !== undefined && isNews(one, known.get(one.serial)));
  const roots: AuditEvent[] =
    after.step === before.step ? [] : [{ event: 'roots', details: { step: after.step, roots: after.roots } }];
  return [...roots, ...eventsOf('issue', made), ...eventsOf('revoke', revoked)];
}

const isNews = ({ reason, revoked }: Issued, before: Issued | undefined): boolean =>
  before?.revoked !== revoked || before?.reason !== reason;

function eventsOf(event: string, credentials: readonly Issued[]): AuditEvent[] {
  const nodes = credentials.filter(({ kind }) => kind === 'node');
  const areMany = nodes.length > LIMITS.auditSingleChanges;
  const single = areMany ? credentials.filter(({ kind }) => kind !== 'node') : credentials;
  return [
    ...single.map((one) => ({ event, details: detailsOf(one) })),
    ...(areMany ? [{ event, times: nodes.length, details: { kind: 'node' } }] : []),
  ];
}

function detailsOf({ kind, limits, name, notAfter, reason, roles, serial }: Issued): Record<string, unknown> {
  const isLimited = limits !== undefined && Object.keys(limits).length > 0;
  return {
    kind,
    name,
    serial,
    ...(roles === undefined ? {} : { roles }),
    ...(isLimited ? { limits } : {}),
    until: new Date(notAfter).toISOString(),
    ...(reason === undefined ? {} : { reason }),
  };
}

async function stateOf(home: FleetHome): Promise<State> {
  const { issued } = await home.read();
  const { revision, roots } = readChain(home, readIdentity(home.issuer));
  return { issued, step: revision, roots: roots.map((root) => toHex(sha256(root))) };
}

async function writeChanges(
  home: FleetHome,
  before: State,
  { clock, onProblem }: AuditChangesDependencies,
): Promise<void> {
  let bus: Bus | undefined;
  try {
    const events = changesOf(before, await stateOf(home));
    if (events.length === 0) return;
    bus = await connectedOrNot(home);
    const audit = openServiceAudit(
      { folder: home.audit, identity: readIdentity(home.issuer) },
      { bus, clock, onProblem },
    );
    await Promise.all(events.map((event) => audit.write(event)));
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    onProblem(`it is done, and missing in the audit trail: ${error.message}`);
  } finally {
    await bus?.close();
  }
}

async function connectedOrNot(home: FleetHome): Promise<Bus | undefined> {
  try {
    return await connectIssuer(home);
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
}
