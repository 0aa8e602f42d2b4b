/** What a fleet has issued, as its owner's file keeps it: who has which login, until when, and what was taken back. */
import * as z from 'zod';
import { toHex } from '../../shared/signing.ts';
import { CREDENTIAL_KINDS, CredentialLimits, type Credential } from '../../shared/wire/credential.ts';

export const Issued = z.strictObject({
  kind: z.enum(CREDENTIAL_KINDS),
  name: z.string(),
  /** Of the credential. */
  serial: z.string(),
  /** Its public keys, so that it can be issued anew for them. */
  sign: z.base64(),
  box: z.base64(),
  /** Public nkey (`U…`). */
  login: z.string(),
  /** Hash of the credential, or of the root, that it comes from, hex. */
  issuer: z.string(),
  /** An operator's or service's, for when its credential is renewed. */
  roles: z.array(z.string()).optional(),
  limits: CredentialLimits.optional(),
  /** Milliseconds since the epoch. */
  notBefore: z.number(),
  notAfter: z.number(),
  /** Since when another one for the same keys took its place; it holds still. Milliseconds since the epoch. */
  replaced: z.number().optional(),
  /** Since when it doesn't hold any more: revoked, or keys of its own took its place. Milliseconds since the epoch. */
  revoked: z.number().optional(),
  reason: z.string().optional(),
  /** Since when the node is retired: its login is refused until it isn't. Milliseconds since the epoch. */
  retired: z.number().optional(),
});
export type Issued = z.infer<typeof Issued>;

/** Why a credential was revoked whose keys were renewed. */
export const RENEWED = 'it has new keys';

export function toIssued({ body }: Credential, login: string): Issued {
  const { box, issuer, kind, limits, name, notAfter, notBefore, roles, serial, sign } = body;
  return {
    kind,
    name,
    serial,
    sign: Buffer.from(sign).toString('base64'),
    box: Buffer.from(box).toString('base64'),
    login,
    issuer: toHex(issuer),
    ...(kind === 'operator' || kind === 'service' ? { roles: [...roles], limits } : {}),
    notBefore,
    notAfter,
  };
}

/** The newest of that kind and name that holds. */
export function findIssued(issued: readonly Issued[], kind: Issued['kind'], name: string): Issued | undefined {
  return issued.find(
    (entry) =>
      entry.kind === kind && entry.name === name && entry.revoked === undefined && entry.replaced === undefined,
  );
}

/**
 * With one more, which takes the place of all of its kind and name: beside those for the same keys, and instead of those for
 * other keys, also of those that were replaced before. One that was left would keep stolen keys good.
 */
export function addIssued(issued: readonly Issued[], added: Issued, now: number): Issued[] {
  return [
    ...issued.filter(({ serial }) => serial !== added.serial).map((entry) => displaced(entry, added, now)),
    added,
  ];
}

function displaced(entry: Issued, added: Issued, now: number): Issued {
  if (entry.kind !== added.kind || entry.name !== added.name || entry.revoked !== undefined) return entry;
  if (entry.sign === added.sign && entry.login === added.login) return { ...entry, replaced: entry.replaced ?? now };
  return { ...entry, revoked: now, reason: RENEWED };
}

/**
 * Logins that the bus has to refuse, each until it ends by itself: of what was revoked, unless it has another credential
 * since, and of nodes that are retired.
 */
export function revokedLogins(issued: readonly Issued[], now: number): ReadonlyMap<string, number> {
  const good = new Set(issued.filter(({ revoked }) => revoked === undefined).map(({ login }) => login));
  const until = new Map<string, number>();
  for (const { login, notAfter, retired, revoked } of issued)
    if (login !== '' && notAfter > now && (retired !== undefined || (revoked !== undefined && !good.has(login))))
      until.set(login, Math.max(notAfter, until.get(login) ?? 0));
  return until;
}
