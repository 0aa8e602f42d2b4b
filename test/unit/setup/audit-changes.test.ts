/** What `fleet ca` changed, as the audit trail of the issuer tells it. */
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../../controller/setup/audit-changes.ts';
import { addIssued, toIssued } from '../../../controller/setup/register.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';

const fleet = new FleetMaterial();
const db1 = toIssued((await fleet.node('db1')).credential, 'U1');
const none = { issued: [], step: 0, roots: ['a'] };
const withIssued = (...issued: (typeof db1)[]) => ({ ...none, issued });

describe('what was changed', () => {
  it('is nothing where nothing was', () => {
    expect(changesOf(withIssued(db1), withIssued(db1))).toEqual([]);
  });

  it('is who was issued what, and whose old keys ended by it', () => {
    const renewed = { ...db1, serial: '2'.repeat(32), sign: 'AAAA', login: 'U2' };
    const events = changesOf(withIssued(db1), withIssued(...addIssued([db1], renewed, NOW)));
    expect(events).toMatchObject([
      { event: 'issue', details: { kind: 'node', name: 'db1', serial: renewed.serial } },
      { event: 'revoke', details: { kind: 'node', name: 'db1', serial: db1.serial, reason: 'it has new keys' } },
    ]);
  });

  it('is a revocation once, and again when it gets a better reason', () => {
    const revoked = { ...db1, revoked: NOW };
    expect(changesOf(withIssued(db1), withIssued(revoked))).toMatchObject([{ event: 'revoke' }]);
    expect(changesOf(withIssued(revoked), withIssued(revoked))).toEqual([]);
    const stolen = { ...revoked, reason: 'stolen' };
    expect(changesOf(withIssued(revoked), withIssued(stolen))).toMatchObject([{ details: { reason: 'stolen' } }]);
  });

  it('is one record for nodes beyond number, and one for each of the others', () => {
    const many = Array.from({ length: LIMITS.auditSingleChanges + 1 }, (_, index) => ({
      ...db1,
      name: `n${index}`,
      serial: `${index}`.padStart(32, '0'),
    }));
    const issuer = { ...db1, kind: 'issuer' as const, name: 'issuer-2', serial: 'f'.repeat(32) };
    expect(changesOf(none, withIssued(...many, issuer))).toMatchObject([
      { event: 'issue', details: { kind: 'issuer', name: 'issuer-2' } },
      { event: 'issue', times: many.length, details: { kind: 'node' } },
    ]);
  });

  it('is a step of the roots', () => {
    expect(changesOf(none, { ...none, step: 1, roots: ['a', 'b'] })).toEqual([
      { event: 'roots', details: { step: 1, roots: ['a', 'b'] } },
    ]);
  });
});
