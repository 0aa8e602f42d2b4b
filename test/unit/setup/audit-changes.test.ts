/** What `fleet ca` changed, as the audit trail of the issuer tells it. */
import { describe, expect, it } from 'vitest';
import { changesOf, withAudit } from '../../../controller/setup/audit-changes.ts';
import { createFleet } from '../../../controller/setup/create-fleet.ts';
import { FleetHome } from '../../../controller/setup/fleet-home.ts';
import { addIssued, toIssued } from '../../../controller/setup/register.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

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

describe('a folder that nothing can be written in', () => {
  it('is said in words, whatever was to be done there', async () => {
    const home = new FleetHome(temporaryFolder());
    await createFleet(home, {
      fleet: 'main',
      servers: ['tls://bus.example.org:4222'],
      listen: '127.0.0.1:4222',
      operator: 'alice',
      now: NOW,
    });
    const revoke = withAudit(home, { clock: new ManualClock(), onProblem: () => undefined }, () =>
      Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' })),
    );
    await expect(revoke).rejects.toMatchObject({
      code: 'folder-unusable',
      hint: expect.stringContaining('make room') as string,
    });
  });
});
