/** The walk that both sides begin with, in the order in which things build on each other. */
import { checkBus, checkLogin } from './check-connection.ts';
import { checkClock, checkPermissions, checkPolicy, checkVersions } from './check-fleet.ts';
import { checkCredential, checkIdentity } from './check-identity.ts';
import { checkTrust } from './check-trust.ts';
import type { Examination } from './examination.ts';
import type { NamedCheck } from './finding.ts';

/** Before the bus is asked anything. */
export const LOCAL_CHECKS: readonly NamedCheck<Examination>[] = [
  { name: 'identity', check: checkIdentity },
  { name: 'credential', check: checkCredential },
];

export const BUS_CHECKS: readonly NamedCheck<Examination>[] = [
  { name: 'bus', check: checkBus },
  { name: 'login', check: checkLogin },
  { name: 'permissions', check: checkPermissions },
  { name: 'clock', check: checkClock },
  { name: 'root', check: checkTrust },
  { name: 'policy', check: checkPolicy },
  { name: 'versions', check: checkVersions },
];
