import { createUser, fromPublic } from 'nkeys.js';
import { describe, expect, it } from 'vitest';
import { loginFromSeed } from '../../../shared/login.ts';
import { codeOf } from '../../support/refusal.ts';

const pair = createUser();
const seed = new TextDecoder().decode(pair.getSeed());

describe('a login', () => {
  it('has the public key that NATS knows the seed by', () => {
    expect(loginFromSeed(seed).publicKey).toBe(pair.getPublicKey());
  });

  it('signs a challenge as NATS verifies it', () => {
    const login = loginFromSeed(seed);
    const signature = Buffer.from(login.sign('a challenge'), 'base64');
    const verifier = fromPublic(login.publicKey);
    expect(verifier.verify(Buffer.from('a challenge'), signature)).toBe(true);
    expect(verifier.verify(Buffer.from('another'), signature)).toBe(false);
  });

  it.each([
    // Not the last letter: some of its bits say nothing.
    ['whose checksum is off', `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`],
    ['that is a public key', pair.getPublicKey()],
    ['that is empty', ''],
  ])('with a seed %s is refused', (_what, broken) => {
    expect(codeOf(() => loginFromSeed(broken))).toBe('identity-broken');
  });
});
