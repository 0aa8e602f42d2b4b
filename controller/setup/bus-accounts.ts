/**
 * The JWTs by which a NATS server knows a fleet: its accounts with what crosses between them, and the logins. The only
 * place that knows @nats-io/jwt. `issueLogin` makes the login of a node, or of a token to join with, for a public nkey
 * and the keys of bus-signing.json (readBusSigning in bus-keys.ts); with those of bus.json it makes any.
 */
import { encodeAccount, encodeOperator, encodeUser, type Export, type Import, type KeyPair } from '@nats-io/jwt';
import { SettingsError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Nkey } from '../../shared/login.ts';
import {
  accountCrossings,
  ACCOUNTS,
  adminPermissions,
  issuerPermissions,
  joinPermissions,
  nodePermissions,
  operatorPermissions,
  servicePermissions,
  systemPermissions,
  type AccountName,
  type BusPermissions,
} from '../../shared/permissions.ts';
import type { BusKeys, LoginIssuer } from './bus-keys.ts';

/** `admin` is an operator who may publish the policy, too; `system` hands accounts to the servers. */
export type LoginRole = 'node' | 'operator' | 'admin' | 'service' | 'issuer' | 'join' | 'system';

export interface LoginRequest {
  readonly role: LoginRole;
  /** Of the identity; of the token, for `join`. */
  readonly name: string;
  /** Public nkey (`U…`). */
  readonly login: string;
  /** Milliseconds since the epoch: it ends with the credential. */
  readonly notAfter: number;
}

/** Public nkey of a login → until when it has to be refused, in milliseconds since the epoch: until it would have ended. */
export type Revocations = ReadonlyMap<string, number>;

export interface BusTokens {
  readonly owner: string;
  readonly accounts: readonly { readonly name: AccountName; readonly publicKey: string; readonly jwt: string }[];
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 } as const;
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 } as const;
const STORAGE = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 } as const;

const ACCOUNT_OF: Readonly<Record<LoginRole, AccountName>> = {
  node: 'NODES',
  operator: 'CONTROL',
  admin: 'CONTROL',
  service: 'CONTROL',
  issuer: 'STORE',
  join: 'JOIN',
  system: 'SYS',
};

/** The JWT with which the holder of that key logs in. @throws SettingsError `no-bus-keys` where these keys don't suffice */
export async function issueLogin(issuer: LoginIssuer, request: LoginRequest): Promise<string> {
  const account = ACCOUNT_OF[request.role];
  const signer = issuer.accounts[account];
  if (signer === undefined)
    throw new SettingsError(`the keys at hand make no login of an ${request.role}`, {
      code: 'no-bus-keys',
      hint: 'Bring bus.json from where it is kept, with the root key.',
    });
  const { answers, publish, subscribe } = permissionsOf(issuer.fleet, request);
  const user = {
    ...UNLIMITED,
    pub: { allow: [...publish] },
    sub: { allow: [...subscribe] },
    ...(answers === true ? { resp: { max: LIMITS.answersPerQuestion, ttl: LIMITS.answerWithinMs * 1e6 } } : {}),
  };
  const key = toKeyPair(signer.key);
  const isOwn = signer.key.publicKey === signer.account;
  return encodeUser(request.name, request.login, isOwn ? key : signer.account, user, {
    exp: Math.floor(request.notAfter / 1000),
    ...(isOwn ? {} : { signer: key }),
  });
}

/** The JWT of who owns a bus. @param systemAccount public key of SYS */
export function issueOwner(fleet: string, owner: Nkey, systemAccount: string): Promise<string> {
  return encodeOperator(`fleet-${fleet}`, toKeyPair(owner), { system_account: systemAccount });
}

/** What the servers of a bus have to know. @param revoked logins that end before their time, whatever account they are of */
export async function issueAccounts(keys: BusKeys, revoked: Revocations): Promise<BusTokens> {
  const owner = toKeyPair(keys.owner);
  // A login's key is never used again: what is refused is refused for good, whatever the clocks say.
  const revocations = Object.fromEntries([...revoked].map(([login, until]) => [login, Math.ceil(until / 1000)]));
  const account = async (name: AccountName): Promise<BusTokens['accounts'][number]> => {
    const { account: publicKey } = keys.accounts[name];
    const signing_keys = name === 'NODES' || name === 'JOIN' ? [...keys.signing[name]] : [];
    const claims = {
      limits: { ...ACCOUNT_LIMITS, ...(name === 'STORE' ? STORAGE : {}) },
      ...crossings(keys, name),
      ...(signing_keys.length === 0 ? {} : { signing_keys }),
      ...(name === 'SYS' ? {} : { revocations }),
    };
    return { name, publicKey, jwt: await encodeAccount(name, publicKey, claims, { signer: owner }) };
  };
  return {
    owner: keys.ownerJwt,
    accounts: await Promise.all(ACCOUNTS.map(account)),
  };
}

/** That an export is for one account alone can't be said without tokens for each; there are no others on this bus. */
function crossings(keys: BusKeys, account: AccountName): { exports: Export[]; imports: Import[] } {
  const exports = new Map<string, Export>();
  const imports: Import[] = [];
  const all = accountCrossings(keys.fleet, keys.accounts.NODES.account);
  for (const { from, to, type, subjects, arrivesAs } of all) {
    const [exporter, importer] = type === 'stream' ? [from, to] : [to, from];
    for (const subject of subjects) {
      if (exporter === account) exports.set(`${type} ${subject}`, { name: subject, subject, type });
      if (importer === account)
        imports.push({
          name: subject,
          subject,
          type,
          account: keys.accounts[exporter].account,
          ...(arrivesAs === undefined ? {} : { local_subject: arrivesAs(subject) }),
        });
    }
  }
  // One account may read more than another: a server takes no export that lies within another of its account.
  const own = [...exports.values()];
  return { exports: own.filter((one) => !own.some((other) => other !== one && isWithin(one, other))), imports };
}

function isWithin(one: Export, other: Export): boolean {
  if (one.type !== other.type) return false;
  const [narrow, wide] = [one.subject.split('.'), other.subject.split('.')];
  const isTail = wide.at(-1) === '>';
  if (isTail ? narrow.length < wide.length : narrow.length !== wide.length) return false;
  return wide.every((token, at) => {
    if (isTail && at === wide.length - 1) return true;
    return token === '*' ? narrow[at] !== '>' : token === narrow[at];
  });
}

function permissionsOf(fleet: string, { name, role }: LoginRequest): BusPermissions {
  switch (role) {
    case 'node':
      return nodePermissions(fleet, name);
    case 'operator':
      return operatorPermissions(fleet, name);
    case 'admin':
      return adminPermissions(fleet, name);
    case 'service':
      return servicePermissions(fleet, name);
    case 'issuer':
      return issuerPermissions(fleet, name);
    case 'join':
      return joinPermissions(fleet, name);
    case 'system':
      return systemPermissions(name);
  }
}

/** Signs through OpenSSL: with the library's own keys a login takes fifty times as long, and a thousand a minute join. */
function toKeyPair({ publicKey, sign }: Nkey): KeyPair {
  const unused = (): never => {
    throw new Error('not a key to seal with');
  };
  return {
    getPublicKey: () => publicKey,
    // Asked for to see that there is one; what it gives is never used.
    getPrivateKey: () => new Uint8Array(),
    getSeed: unused,
    sign: (bytes) => sign(bytes),
    verify: unused,
    clear: () => undefined,
    seal: unused,
    open: unused,
  };
}
