/** Whom a policy is tried for: from the command line, the own identity, or the register of who made the fleet. */
import { UsageError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import { openContext, type GlobalFlags } from '../open-fleet.ts';
import { FleetHome } from '../setup/fleet-home.ts';
import { findIssued } from '../setup/register.ts';

export interface TestedCaller {
  readonly name: string;
  readonly kind: 'operator' | 'service';
  readonly roles: readonly string[];
  readonly serial?: string | undefined;
  readonly issuer?: string | undefined;
}

interface CallerFlags extends GlobalFlags {
  readonly caller?: string;
  readonly role?: readonly string[];
}

/** @throws UsageError `needs-caller`, `unknown-caller` */
export async function findCaller(flags: CallerFlags, app: App): Promise<TestedCaller> {
  const { caller: name, role: roles } = flags;
  if (roles !== undefined) return { name: name ?? 'somebody', kind: 'operator', roles };
  if (name === undefined)
    throw new UsageError('for whom is it to be tried?', {
      code: 'needs-caller',
      hint: 'Say --role ROLE, or --caller NAME for somebody whom this fleet has issued a credential.',
    });
  return (await ownIdentity(flags, app, name)) ?? (await issuedTo(app, name));
}

async function ownIdentity(flags: GlobalFlags, app: App, name: string): Promise<TestedCaller | undefined> {
  try {
    const { credential } = readIdentity((await openContext(app, flags)).identity);
    const { kind, roles, serial } = credential.body;
    if (credential.body.name !== name || (kind !== 'operator' && kind !== 'service')) return undefined;
    return { name, kind, roles, serial, issuer: credential.issuer?.body.name ?? 'root' };
  } catch {
    // A policy in a file can be tried without any fleet.
    return undefined;
  }
}

async function issuedTo(app: App, name: string): Promise<TestedCaller> {
  const home = new FleetHome(configFolder(app.surroundings));
  const issued = home.exists() ? (await home.read()).issued : [];
  const found = findIssued(issued, 'operator', name);
  if (found !== undefined)
    return { name, kind: 'operator', roles: found.roles ?? [], serial: found.serial, issuer: 'root' };
  const operators = issued.flatMap((one) => (one.kind === 'operator' ? [one.name] : []));
  const [nearest] = nearestNames(name, operators, 1);
  throw new UsageError(`the roles of ${name} are not known on this machine`, {
    code: 'unknown-caller',
    hint:
      nearest === undefined ? 'Say them: --role ROLE.' : `Did you mean ${nearest}? Else say the roles: --role ROLE.`,
  });
}
