/**
 * The keys that logins at the bus are issued with, in two files: `bus.json` is the owner's (it makes any login, and the
 * accounts themselves; kept offline with the root key), `bus-signing.json` makes logins of nodes and of those who join,
 * and nobody else's: it stays with the issuer, online.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { SettingsError } from '../../shared/errors.ts';
import { nkeyFromSeed, type Nkey } from '../../shared/login.ts';
import type { AccountName } from '../../shared/permissions.ts';
import { readPrivateFile } from '../../shared/private-file.ts';

const AccountSeed = z.string().regex(/^SA[A-Z2-7]+$/);
const AccountKey = z.string().regex(/^A[A-Z2-7]{55}$/);

export const BusFile = z.strictObject({
  version: z.literal(1),
  fleet: z.string(),
  /** Seed of NATS's "operator": who makes the accounts. */
  owner: z.string().regex(/^SO[A-Z2-7]+$/),
  /** Its JWT, made once: a running server takes no other, not even one that says the same. */
  ownerJwt: z.string(),
  accounts: z.strictObject({
    SYS: AccountSeed,
    STORE: AccountSeed,
    CONTROL: AccountSeed,
    NODES: AccountSeed,
    JOIN: AccountSeed,
  }),
  /** Public keys of bus-signing.json: the accounts name them as their own. */
  signing: z.strictObject({ NODES: z.array(AccountKey), JOIN: z.array(AccountKey) }),
});

const SigningAccount = z.strictObject({ account: AccountKey, seed: AccountSeed });
export const SigningFile = z.strictObject({
  version: z.literal(1),
  fleet: z.string(),
  accounts: z.strictObject({ NODES: SigningAccount, JOIN: SigningAccount }),
});

/** Makes logins of an account: with the account's own key, or with one that the account names. */
export interface AccountSigner {
  /** Public key of the account (`A…`). */
  readonly account: string;
  readonly key: Nkey;
}

/** Who can issue logins, and in which accounts. */
export interface LoginIssuer {
  readonly fleet: string;
  readonly accounts: Partial<Readonly<Record<AccountName, AccountSigner>>>;
}

/** Everything: accounts, and logins in each of them. */
export interface BusKeys extends LoginIssuer {
  readonly owner: Nkey;
  readonly ownerJwt: string;
  readonly accounts: Readonly<Record<AccountName, AccountSigner>>;
  readonly signing: Readonly<Record<'NODES' | 'JOIN', readonly string[]>>;
}

/** In the folder of the fleet; or where the root key is, with which it's kept. */
export function findBusKeys(home: { readonly busKeys: string }, rootFile: string | undefined): string {
  if (rootFile === undefined || existsSync(home.busKeys)) return home.busKeys;
  return join(dirname(rootFile), basename(home.busKeys));
}

/** @throws SettingsError `no-bus-keys`, `bus-keys-broken`, and what readPrivateFile throws */
export function readBusKeys(path: string): BusKeys {
  const { accounts, fleet, owner, ownerJwt, signing } = readKeys(path, 'keys of the bus', BusFile, NO_BUS_KEYS);
  const own = (seed: string): AccountSigner => {
    const key = nkeyFromSeed(seed);
    return { account: key.publicKey, key };
  };
  return damagedOr(path, () => ({
    fleet,
    owner: nkeyFromSeed(owner),
    ownerJwt,
    accounts: {
      SYS: own(accounts.SYS),
      STORE: own(accounts.STORE),
      CONTROL: own(accounts.CONTROL),
      NODES: own(accounts.NODES),
      JOIN: own(accounts.JOIN),
    },
    signing,
  }));
}

/** For nodes and for those who join. @throws SettingsError `no-bus-signing`, `bus-keys-broken`, and what readPrivateFile throws */
export function readBusSigning(path: string): LoginIssuer {
  const { accounts, fleet } = readKeys(path, 'signing keys of the bus', SigningFile, NO_BUS_SIGNING);
  const named = ({ account, seed }: z.infer<typeof SigningAccount>): AccountSigner => ({
    account,
    key: nkeyFromSeed(seed),
  });
  return damagedOr(path, () => ({ fleet, accounts: { NODES: named(accounts.NODES), JOIN: named(accounts.JOIN) } }));
}

interface Missing {
  readonly code: string;
  readonly hint: string;
}
const NO_BUS_KEYS: Missing = {
  code: 'no-bus-keys',
  hint: 'Bring bus.json from where it is kept, with the root key: into the folder of the fleet, or beside the root key that --root names.',
};
const NO_BUS_SIGNING: Missing = {
  code: 'no-bus-signing',
  hint: '`fleet init` made it in the folder of the fleet: copy it again from there.',
};

function readKeys<Schema extends z.ZodType>(path: string, what: string, schema: Schema, missing: Missing) {
  if (!existsSync(path)) throw new SettingsError(`the ${what}, ${path}, are not there`, missing);
  const text = readPrivateFile(path, { secret: true, what });
  return damagedOr(path, (): z.infer<Schema> => schema.parse(JSON.parse(text)));
}

/** What a library says about a damaged key isn't passed on: it may quote it. */
function damagedOr<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new SettingsError(`the key file ${path} is broken`, {
      code: 'bus-keys-broken',
      hint: 'Copy it again from where it is kept.',
    });
  }
}
