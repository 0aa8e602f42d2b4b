/** What a fleet has issued, as its owner's file keeps it: who has which login, until when, and what was taken back. */
import * as z from 'zod';
import type { Credential } from '../../shared/wire/credential.ts';

export const Issued = z.strictObject({
  kind: z.enum(['issuer', 'operator', 'node', 'service', 'join']),
  name: z.string(),
  /** Of the credential. */
  serial: z.string(),
  /** Public nkey (`U…`). */
  login: z.string(),
  /** An operator's, for when its credential is renewed. */
  roles: z.array(z.string()).optional(),
  /** Milliseconds since the epoch. */
  notAfter: z.number(),
  /** Since when it doesn't hold any more: revoked, or another one took its place. Milliseconds since the epoch. */
  revoked: z.number().optional(),
});
export type Issued = z.infer<typeof Issued>;

export function toIssued({ body }: Credential, login: string): Issued {
  const { kind, name, notAfter, roles, serial } = body;
  return { kind, name, serial, login, ...(kind === 'operator' ? { roles: [...roles] } : {}), notAfter };
}

/** The one of that kind and name that holds. */
export function findIssued(issued: readonly Issued[], kind: Issued['kind'], name: string): Issued | undefined {
  return issued.find((entry) => entry.kind === kind && entry.name === name && entry.revoked === undefined);
}

/** With one more, which takes the place of the one of its kind and name. */
export function addIssued(issued: readonly Issued[], added: Issued, now: number): Issued[] {
  const before = findIssued(issued, added.kind, added.name);
  return [
    ...issued
      .filter(({ serial }) => serial !== added.serial)
      .map((entry) => (entry === before ? { ...entry, revoked: now } : entry)),
    added,
  ];
}

/** Logins that the bus has to refuse, each until it ends by itself. One that has another credential since goes on. */
export function revokedLogins(issued: readonly Issued[], now: number): ReadonlyMap<string, number> {
  const good = new Set(issued.filter(({ revoked }) => revoked === undefined).map(({ login }) => login));
  const until = new Map<string, number>();
  for (const { login, notAfter, revoked } of issued)
    if (revoked !== undefined && notAfter > now && !good.has(login))
      until.set(login, Math.max(notAfter, until.get(login) ?? 0));
  return until;
}
