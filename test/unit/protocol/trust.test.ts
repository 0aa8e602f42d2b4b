import { describe, expect, it } from 'vitest';
import { encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { TrustStore } from '../../../shared/trust.ts';
import { parseCredential, type CredentialBody, type CredentialLimits } from '../../../shared/wire/credential.ts';
import { DAY_MS, FleetMaterial, type BodyChanges, type Member } from '../../support/fleet-material.ts';
import { signKeysFrom } from '../../support/keys.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();
const verdictOf = (member: Member, clock = new ManualClock()): string =>
  codeOf(() => fleet.trust(clock).verify(member.credential));
const issuerWith = (limits: CredentialLimits, changes: BodyChanges = {}): Promise<Member> =>
  fleet.issue('issuer', 'limited', { limits, ...changes });

describe('a chain', () => {
  it('of one, two or three links up to a pinned root is accepted', async () => {
    const first = await fleet.issue('issuer', 'first');
    const second = await fleet.issue('issuer', 'second', {}, first);
    const members = [first, second, await fleet.issue('node', 'db1', {}, second)];
    expect(members.map((member) => verdictOf(member))).toEqual(members.map(() => 'accepted'));
  });

  it('of four links is no credential at all', async () => {
    const first = await fleet.issue('issuer', 'first');
    const second = await fleet.issue('issuer', 'second', {}, first);
    const third = await fleet.issue('issuer', 'third', {}, second);
    await expect(fleet.issue('node', 'db1', {}, third)).rejects.toMatchObject({ code: 'bad-credential' });
  });

  it('may end at any of several roots', async () => {
    const other = new FleetMaterial({ label: 'rotated' });
    const rotated = await other.issue('node', 'db1');
    const roots = [fleet.root.publicKey, other.root.publicKey];
    // The rotated root signs for the fleet as it is known: its id comes from the first root.
    const trust = new TrustStore({ fleetId: other.fleetId, roots }, { clock: new ManualClock() });
    expect(codeOf(() => trust.verify(rotated.credential))).toBe('accepted');
  });

  it('of another fleet is refused, also when that fleet has the same root for a second one', async () => {
    const other = await new FleetMaterial({ label: 'other' }).issue('node', 'db1');
    expect(verdictOf(other)).toBe('unknown-root');
    const trust = new TrustStore(
      { fleetId: 'f'.repeat(32), roots: [fleet.root.publicKey] },
      { clock: new ManualClock() },
    );
    const { credential } = await fleet.issue('node', 'db1');
    expect(codeOf(() => trust.verify(credential))).toBe('bad-credential');
  });

  it('whose links were signed by someone else is refused', async () => {
    const forger = signKeysFrom('forger').signer;
    const { credential } = await fleet.issuer();
    const forged = await fleet.issue('node', 'db1', {}, { signer: forger, credential });
    expect(verdictOf(forged)).toBe('bad-credential');
  });

  it('whose body names another issuer than the one that came along is refused', async () => {
    const { credential } = await fleet.node('db1');
    const other = await fleet.issue('issuer', 'other');
    const bytes = encode([1, credential.bodyBytes, credential.signature, other.credential.bytes]);
    expect(codeOf(() => fleet.trust(new ManualClock()).verify(parseCredential(bytes)))).toBe('bad-credential');
  });

  it('without its issuer is refused', async () => {
    const { credential } = await fleet.node('db1');
    const bytes = encode([1, credential.bodyBytes, credential.signature, null]);
    expect(codeOf(() => fleet.trust(new ManualClock()).verify(parseCredential(bytes)))).toBe('unknown-root');
  });

  it('with a key of small order is refused', async () => {
    const weak = await fleet.issue('node', 'db1', { sign: new Uint8Array(32) });
    expect(verdictOf(weak)).toBe('bad-key');
  });
});

describe('a link', () => {
  /** What the issuer may issue, what it issues, and whether that holds. */
  const rows: readonly [string, CredentialLimits, CredentialBody['kind'], string, BodyChanges, string][] = [
    ['a kind that it may issue', { kinds: ['node'] }, 'node', 'db1', {}, 'accepted'],
    ['another kind', { kinds: ['node'] }, 'operator', 'alice', {}, 'beyond-issuer'],
    ['an exact name', { names: ['db1'] }, 'node', 'db1', {}, 'accepted'],
    ['a name that fits a glob', { names: ['db*'] }, 'node', 'db1', {}, 'accepted'],
    ['a name that fits a glob with a middle', { names: ['a*b*c'] }, 'node', 'a-b-c', {}, 'accepted'],
    ['a name whose ends overlap in the glob', { names: ['ab*ba'] }, 'node', 'aba', {}, 'beyond-issuer'],
    ['a name beyond the globs', { names: ['db*', 'web1'] }, 'node', 'web2', {}, 'beyond-issuer'],
    ['a role that it may give', { roles: ['reader'] }, 'operator', 'alice', { roles: ['reader'] }, 'accepted'],
    ['one role too many', { roles: ['reader'] }, 'operator', 'alice', { roles: ['reader', 'root'] }, 'beyond-issuer'],
    ['no role', { roles: [] }, 'operator', 'alice', { roles: [] }, 'accepted'],
    ['the longest life', { lifetimeMs: 31 * DAY_MS }, 'node', 'db1', {}, 'accepted'],
    ['a longer life', { lifetimeMs: 31 * DAY_MS - 1 }, 'node', 'db1', {}, 'beyond-issuer'],
    ['its own actions', { actions: ['ping'] }, 'operator', 'alice', { limits: { actions: ['ping'] } }, 'accepted'],
    ['other actions', { actions: ['ping'] }, 'operator', 'alice', { limits: { actions: ['exec'] } }, 'beyond-issuer'],
    ['any action', { actions: ['ping'] }, 'operator', 'alice', {}, 'beyond-issuer'],
    ['its own nodes', { where: 'role=db' }, 'operator', 'alice', { limits: { where: 'role=db' } }, 'accepted'],
    ['other nodes', { where: 'role=db' }, 'operator', 'alice', { limits: { where: 'role=web' } }, 'beyond-issuer'],
    ['any nodes', { where: 'role=db' }, 'operator', 'alice', {}, 'beyond-issuer'],
    ['a start before its own', {}, 'node', 'db1', { notBefore: NOW - 2 * DAY_MS }, 'beyond-issuer'],
    ['an end after its own', {}, 'node', 'db1', { notAfter: NOW + 31 * DAY_MS }, 'beyond-issuer'],
    ['an issuer of fewer kinds', { kinds: ['node', 'issuer'] }, 'issuer', 'sub', { limits: { kinds: ['node'] } }, 'accepted'],
    ['an issuer of more kinds', { kinds: ['issuer'] }, 'issuer', 'sub', { limits: { kinds: ['operator'] } }, 'beyond-issuer'],
    ['an issuer of any kind', { kinds: ['issuer'] }, 'issuer', 'sub', {}, 'beyond-issuer'],
    ['an issuer of more names', { names: ['sub', 'db1'] }, 'issuer', 'sub', { limits: { names: ['*'] } }, 'beyond-issuer'],
    ['an issuer of any name', { names: ['sub'] }, 'issuer', 'sub', {}, 'beyond-issuer'],
    ['an issuer of more roles', { roles: ['a'] }, 'issuer', 'sub', { limits: { roles: ['b'] } }, 'beyond-issuer'],
    ['an issuer of any role', { roles: ['a'] }, 'issuer', 'sub', {}, 'beyond-issuer'],
    ['an issuer of longer lives', { lifetimeMs: 40 * DAY_MS }, 'issuer', 'sub', { limits: { lifetimeMs: 41 * DAY_MS } }, 'beyond-issuer'],
    ['an issuer of any life', { lifetimeMs: 40 * DAY_MS }, 'issuer', 'sub', {}, 'beyond-issuer'],
  ]; // prettier-ignore

  it.each(rows)('to %s', async (_what, limits, kind, name, changes, expected) => {
    const issuer = await issuerWith(limits);
    expect(verdictOf(await fleet.issue(kind, name, changes, issuer))).toBe(expected);
  });

  it.each(['operator', 'node', 'service', 'join'] as const)('from a credential of kind %s is refused', async (kind) => {
    const holder = await fleet.issue(kind, 'holder');
    expect(verdictOf(await fleet.issue('node', 'db1', {}, holder))).toBe('beyond-issuer');
  });
});

describe('validity', () => {
  const at = (time: number): ManualClock => new ManualClock(time);

  it('begins as much before its time as clocks may be apart, and ends to the millisecond', async () => {
    const member = await fleet.issue('node', 'db1', { notBefore: NOW, notAfter: NOW + DAY_MS });
    const times = [NOW - LIMITS.clockSkewMs - 1, NOW - LIMITS.clockSkewMs, NOW + DAY_MS - 1, NOW + DAY_MS];
    const verdicts = ['credential-not-yet-valid', 'accepted', 'accepted', 'credential-expired'];
    expect(times.map((time) => verdictOf(member, at(time)))).toEqual(verdicts);
  });

  it('is asked at each use, of every link, of what was verified before too', async () => {
    const issuer = await fleet.issue('issuer', 'short', { notAfter: NOW + 1_000 });
    const { credential } = await fleet.issue('node', 'db1', { notAfter: NOW + 1_000 }, issuer);
    const clock = at(NOW);
    const trust = fleet.trust(clock);
    trust.verify(credential);
    clock.advance(1_000);
    expect(codeOf(() => trust.verify(credential))).toBe('credential-expired');
    expect(codeOf(() => trust.resolve(credential.hash))).toBe('credential-expired');
  });

  it('of a link that came along counts for nothing when the chain is known', async () => {
    const { credential } = await fleet.node('db1');
    const clock = at(NOW);
    const trust = fleet.trust(clock);
    trust.verify(credential);
    const stripped = parseCredential(encode([1, credential.bodyBytes, new Uint8Array(64), null]));
    expect(trust.verify(stripped).credential).toBe(credential);
    clock.setTo(NOW + 60 * DAY_MS);
    expect(codeOf(() => trust.verify(stripped))).toBe('credential-expired');
  });
});

describe('the memory of credentials', () => {
  it('finds by hash what it has seen in whole, and nothing else', async () => {
    const { credential } = await fleet.node('db1');
    const trust = fleet.trust(new ManualClock());
    expect(codeOf(() => trust.resolve(credential.hash))).toBe('unknown-signer');
    trust.resolve(credential.bytes);
    expect(trust.resolve(credential.hash).credential.body.name).toBe('db1');
  });

  it('remembers nothing that it has refused', async () => {
    const forged = await fleet.issue(
      'node',
      'db1',
      {},
      { signer: signKeysFrom('forger').signer, credential: (await fleet.issuer()).credential },
    );
    const trust = fleet.trust(new ManualClock());
    expect(codeOf(() => trust.verify(forged.credential))).toBe('bad-credential');
    expect(codeOf(() => trust.resolve(forged.credential.hash))).toBe('unknown-signer');
    expect(codeOf(() => trust.verify(forged.credential))).toBe('bad-credential');
  });

  it('asks a credential that is spelled out the same way again whether it still holds', async () => {
    const { credential } = await fleet.issue('operator', 'alice');
    const clock = new ManualClock();
    const trust = fleet.trust(clock);
    expect(trust.resolve(credential.bytes)).toBe(trust.resolve(Buffer.from(credential.bytes)));
    clock.setTo(NOW + 60 * DAY_MS);
    expect(codeOf(() => trust.resolve(credential.bytes))).toBe('credential-expired');
  });

  it('keeps no hold of the message that a credential came in', async () => {
    const { credential } = await fleet.issue('operator', 'alice');
    const message = Buffer.from(credential.bytes);
    const trust = fleet.trust(new ManualClock());
    trust.resolve(message);
    message.fill(0);
    expect(Buffer.from(trust.resolve(credential.hash).credential.bytes)).toEqual(Buffer.from(credential.bytes));
  });

  it('is bounded: the oldest goes, and is verified again when it comes back', async () => {
    const members = await Promise.all(['a', 'b', 'c'].map((name) => fleet.issue('node', name)));
    const trust = fleet.trust(new ManualClock(), 2);
    for (const { credential } of members) trust.verify(credential);
    const known = members.map(({ credential }) => codeOf(() => trust.resolve(credential.hash)));
    expect(known).toEqual(['unknown-signer', 'accepted', 'accepted']);
    expect(codeOf(() => trust.resolve(members[0]?.credential.bytes ?? new Uint8Array()))).toBe('accepted');
  });
});

describe('parseCredential', () => {
  it.each([
    ['an empty array', []],
    ['another version', [2, new Uint8Array(1), new Uint8Array(64), null]],
    ['a body that is no map', [1, encode('text'), new Uint8Array(64), null]],
    ['a body that is not MessagePack', [1, Uint8Array.of(0xc1), new Uint8Array(64), null]],
    ['a signature that is too short', [1, encode({}), new Uint8Array(63), null]],
    ['an issuer that is no credential', [1, encode({}), new Uint8Array(64), encode([])]],
  ])('refuses %s', (_what, frame) => {
    expect(codeOf(() => parseCredential(encode(frame)))).toMatch(/^(bad-credential|malformed)$/);
  });

  it('refuses more bytes than a chain can need', () => {
    expect(codeOf(() => parseCredential(new Uint8Array(9_000)))).toBe('malformed');
  });

  it.each(['', 'DB1', 'db1\n', 'a b', '../x', 'a..b', 'é', 'x'.repeat(254)])('refuses the name %j', async (name) => {
    await expect(fleet.issue('node', name)).rejects.toMatchObject({ code: 'bad-credential' });
  });
});
