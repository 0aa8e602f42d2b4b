/** Makes an operator or a service, or new keys for one: the identity file that it gets, and the login at the bus. */
import { existsSync } from 'node:fs';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import type { CredentialLimits } from '../../shared/wire/credential.ts';
import { findBusKeys, readBusKeys } from './bus-keys.ts';
import { busTls, type FleetHome } from './fleet-home.ts';
import { holdLock } from './hold-lock.ts';
import { makeIdentity } from './make-identity.ts';
import { assertOperatorName, OPERATOR_LIFE_MS } from './operator-name.ts';
import { findIssued, toIssued } from './register.ts';
import { readRoot, type AskPassphrase } from './root-key.ts';

export interface IssueOperatorOptions {
  readonly name: string;
  /** @default operator */
  readonly kind?: 'operator' | 'service' | undefined;
  /** What the policies of nodes go by. @default when renewing, those it has */
  readonly roles?: readonly string[] | undefined;
  /** Only these actions, only nodes that fit. @default when renewing, those it has; none otherwise */
  readonly limits?: Pick<CredentialLimits, 'actions' | 'where'> | undefined;
  /** @default a year */
  readonly lifeMs?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** @default root.json in the folder of the fleet */
  readonly rootFile?: string | undefined;
  /** For a root key that has one. */
  readonly passphrase?: AskPassphrase | undefined;
  /** Public half of a signing key that an ssh-agent holds. @default a new key, in the identity file */
  readonly signKey?: Uint8Array | undefined;
  /** New keys for an operator that there is; the old ones can't log in any more. */
  readonly renew: boolean;
  readonly onWait?: (line: string) => unknown;
  readonly signal?: AbortSignal;
}

export interface IssuedOperator {
  readonly path: string;
  readonly roles: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** Where it is used. */
  readonly servers: readonly string[];
  /** Certificate of the bus's authority, which has to come along. */
  readonly caFile: string | undefined;
}

/** A second run after one that was interrupted starts over. @throws UsageError SettingsError */
export function issueOperator(home: FleetHome, options: IssueOperatorOptions): Promise<IssuedOperator> {
  home.assertExists();
  return holdLock(home.lock, { ...options, what: 'another `fleet ca`' }, async () => {
    const name = parseNodeName(options.name);
    const { kind = 'operator' } = options;
    const file = await home.read();
    const { issued, servers } = file;
    assertOperatorName(kind, name, issued);
    const known = findIssued(issued, kind, name);
    if (known === undefined && options.renew)
      throw new UsageError(`there is no ${kind} ${name} in this fleet`, {
        code: `no-such-${kind}`,
        hint: `Make one: fleet ca issue ${kind} ${name}${kind === 'operator' ? ' --role ROLE' : ''}`,
      });
    if (known !== undefined && !options.renew)
      throw new UsageError(`there is ${kind === 'operator' ? 'an' : 'a'} ${kind} ${name} in this fleet already`, {
        code: 'name-taken',
        hint: `Choose another name, or give this one new keys: fleet ca renew ${kind} ${name}`,
      });
    const roles = options.roles ?? known?.roles ?? [];
    if (roles.length === 0)
      throw new UsageError(`which roles has ${name}?`, {
        code: 'needs-role',
        hint: 'Say --role ROLE, as in the policies of the nodes; repeatable.',
      });
    const issuer = readIdentity(home.issuer);
    const root = await readRoot(options.rootFile ?? home.rootKey, issuer, options.passphrase);
    const logins = readBusKeys(findBusKeys(home, options.rootFile));
    const path = home.operator(name);
    assertReplaceable(path, name, issuer.fleetId);
    const notAfter = options.now + (options.lifeMs ?? OPERATOR_LIFE_MS);
    const { credential, login } = await makeIdentity(
      path,
      root,
      logins,
      {
        kind,
        name,
        roles: [...roles],
        limits: options.limits ?? known?.limits ?? {},
        trusted: {},
        notBefore: options.now,
        notAfter,
      },
      options.signKey,
    );
    await home.register(toIssued(credential, login), options.now);
    return { path, roles, notAfter, servers, caFile: busTls(home, file)?.caFile };
  });
}

/** An identity of this name may be somebody's of another fleet, whose only copy it is. */
function assertReplaceable(path: string, name: string, fleetId: string): void {
  if (!existsSync(path)) return;
  const found = readIdentity(path);
  if (found.fleetId === fleetId && found.name === name) return;
  throw new UsageError(`${path} is another identity, and is not overwritten`, {
    code: 'file-in-the-way',
    hint: 'Move it away, or choose another name.',
  });
}
