/** What a fleet keeps of what it issued: which one holds, what is listed, and what goes into the list of revocations. */
import { describe, expect, it } from 'vitest';
import { listIssued } from '../../../controller/setup/list-issued.ts';
import {
  addIssued,
  findIssued,
  RENEWED,
  revokedLogins,
  toIssued,
  type Issued,
} from '../../../controller/setup/register.ts';
import { revocationEntries } from '../../../controller/setup/revocation-entries.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256 } from '../../../shared/signing.ts';
import type { RevocationEntry } from '../../../shared/wire/revocations.ts';
import { DAY_MS, FleetMaterial } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const { credential } = await fleet.node('db1');
const first = toIssued(credential, 'U1');
/** The next one of its name, with other keys or the same. */
const next = (changes: Partial<Issued> = {}): Issued => ({ ...first, serial: '2'.repeat(32), ...changes });

describe('the register', () => {
  it('knows a credential by its serial, its key and its login', () => {
    expect(first).toMatchObject({
      kind: 'node',
      name: 'db1',
      login: 'U1',
      sign: Buffer.from(credential.body.sign).toString('base64'),
    });
  });

  it('revokes what has new keys, and its login with it', () => {
    const issued = addIssued([first], next({ sign: 'AAAA', login: 'U2' }), NOW);
    expect(issued[0]).toMatchObject({ revoked: NOW, reason: RENEWED });
    expect(findIssued(issued, 'node', 'db1')?.login).toBe('U2');
    expect([...revokedLogins(issued, NOW).keys()]).toEqual(['U1']);
  });

  it('keeps what has a new credential for the same keys, beside it', () => {
    const issued = addIssued([first], next(), NOW);
    expect(issued[0]).toMatchObject({ replaced: NOW });
    expect(findIssued(issued, 'node', 'db1')?.serial).toBe('2'.repeat(32));
    expect(revokedLogins(issued, NOW).size).toBe(0);
    expect(revocationEntries(issued, [], NOW)).toEqual([]);
  });

  it('revokes what was replaced before, too, when the keys are new: they may have been copied', () => {
    const rotated = addIssued([first], next(), NOW - 1);
    const issued = addIssued(rotated, next({ serial: '3'.repeat(32), sign: 'AAAA', login: 'U2' }), NOW);
    expect(issued.map(({ revoked }) => revoked)).toEqual([NOW, NOW, undefined]);
    expect([...revokedLogins(issued, NOW).keys()]).toEqual(['U1']);
    const key = sha256(credential.body.sign);
    expect(revocationEntries(issued, [], NOW)).toMatchObject([{ serial: first.serial, key }, { key }]);
  });

  it('revokes the login, and not the key, of who has a new login for the same signing key', () => {
    const issued = addIssued([first], next({ login: 'U2' }), NOW);
    expect([...revokedLogins(issued, NOW).keys()]).toEqual(['U1']);
    const [entry] = revocationEntries(issued, [], NOW);
    expect(entry).toMatchObject({ serial: first.serial });
    expect(entry).not.toHaveProperty('key');
  });
});

describe('the list of revocations', () => {
  const revoked = { ...first, revoked: NOW - DAY_MS, reason: 'stolen' };

  it('names serial and key of what was revoked, with the reason, until it would have ended', () => {
    expect(revocationEntries([revoked], [], NOW)).toEqual([
      { serial: first.serial, key: sha256(credential.body.sign), kind: 'node', name: 'db1', reason: 'stolen', since: NOW - DAY_MS, until: first.notAfter },
    ]); // prettier-ignore
  });

  it('keeps what somebody else put there, each once, and lets go of what has ended', () => {
    const theirs: RevocationEntry = { serial: 'e'.repeat(32), since: NOW, until: NOW + DAY_MS };
    const over: RevocationEntry = { serial: 'f'.repeat(32), since: 0, until: NOW - LIMITS.clockSkewMs - 1 };
    const again: RevocationEntry = { serial: first.serial, since: 0, until: NOW + DAY_MS };
    const entries = revocationEntries(
      [revoked, { ...revoked, serial: 'd'.repeat(32), notAfter: 1 }],
      [theirs, over, again],
      NOW,
    );
    expect(entries.map(({ serial }) => serial)).toEqual([first.serial, theirs.serial]);
  });

  it('leaves out old keys of servers where there is no room, and nothing else', () => {
    const many = (count: number, changes: Partial<Issued>): Issued[] =>
      Array.from({ length: count }, (_, at) => ({
        ...revoked,
        ...changes,
        serial: at.toString(16).padStart(32, changes.reason === RENEWED ? '0' : '1'),
      }));
    const renewed = many(LIMITS.revocations, { reason: RENEWED });
    const entries = revocationEntries([...renewed, revoked], [], NOW);
    expect(entries).toHaveLength(LIMITS.revocations);
    expect(entries[0]?.serial).toBe(first.serial);
    const all = many(LIMITS.revocations + 1, {});
    expect(codeOf(() => revocationEntries(all, [], NOW))).toBe('too-many-revocations');
  });
});

describe('what was issued', () => {
  it('is listed newest first, with how it stands, and with nodes that joined by themselves', () => {
    const one = (serial: string, changes: Partial<Issued>): Issued => ({
      ...first,
      serial,
      notBefore: NOW,
      ...changes,
    });
    const joined = one('joined', { notBefore: NOW + 1 });
    const listed = listIssued(
      [
        one('valid', {}),
        one('soon', { notBefore: NOW - 1, notAfter: NOW + LIMITS.expiresSoonMs - 1 }),
        one('expired', { notBefore: NOW - 2, notAfter: NOW }),
        one('replaced', { notBefore: NOW - 3, replaced: NOW, notAfter: NOW + 90 * DAY_MS }),
        one('revoked', { notBefore: NOW - 4, revoked: NOW, notAfter: NOW }),
      ].map((issued) => (issued.serial === 'valid' ? { ...issued, notAfter: NOW + 90 * DAY_MS } : issued)),
      [{ ...joined, notAfter: NOW + 90 * DAY_MS }, one('valid', { notBefore: 0 })],
      NOW,
    );
    expect(listed.map(({ serial, state }) => `${serial} ${state}`)).toEqual([
      'joined valid', 'valid valid', 'soon expires-soon', 'expired expired', 'replaced replaced', 'revoked revoked',
    ]); // prettier-ignore
  });
});
