/**
 * From pinned roots to "this key is db1's": verifies credential chains, each link once, and remembers them. What is
 * remembered still has to be valid in time at every use, and not revoked: two look-ups a link, and no signature.
 */
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { Revocations } from './revocations.ts';
import type { SignatureMemo } from './signature-memo.ts';
import { asBuffer, sha256, toHex, VerifyKey } from './signing.ts';
import {
  credentialSignedBytes,
  parseCredential,
  topOf,
  type Credential,
  type CredentialBody,
} from './wire/credential.ts';
import type { CredentialSource } from './wire/envelope.ts';
import type { Clock } from './clock.ts';

export interface VerifiedCredential {
  readonly credential: Credential;
  readonly verifyKey: VerifyKey;
}

export interface TrustOptions {
  readonly fleetId: string;
  /** Public keys of the roots, 32 bytes each; a set, so that they can be rotated. */
  readonly roots: readonly Uint8Array[];
  /** Credentials remembered at once; beyond that the oldest is verified again when it comes back. */
  readonly remembered?: number;
  /** What was verified before. @default nothing */
  readonly memo?: SignatureMemo | undefined;
}

const HASH_BYTES = 32;
/** Credentials remembered by how they are spelled out, for those who command: a fleet has few of them. */
const SPELLED_OUT = 256;

export class TrustStore implements CredentialSource {
  readonly fleetId: string;
  readonly memo: SignatureMemo | undefined;
  /** What is revoked, as far as is known here. */
  readonly revocations = new Revocations();
  /** For who answers those that are revoked, too: everything is looked at but that. */
  readonly includingRevoked: CredentialSource = { resolve: (credentialOrHash) => this.#resolve(credentialOrHash) };
  #roots: ReadonlyMap<string, VerifyKey>;
  readonly #clock: Clock;
  readonly #remembered: number;
  readonly #verified = new Map<string, VerifiedCredential>();
  readonly #spelledOut = new Map<string, VerifiedCredential>();
  /** By hashes of earlier credentials for the same keys. */
  readonly #earlier = new Map<string, VerifiedCredential>();

  constructor(options: TrustOptions, dependencies: { clock: Clock }) {
    this.fleetId = options.fleetId;
    this.memo = options.memo;
    this.#roots = byHash(options.roots);
    this.#clock = dependencies.clock;
    this.#remembered = options.remembered ?? 20_000;
  }

  /** Public keys of the roots that hold. */
  get roots(): readonly Uint8Array[] {
    return [...this.#roots.values()].map(({ bytes }) => bytes);
  }

  /** Other roots hold from now on: what comes from one that isn't among them is forgotten. */
  setRoots(roots: readonly Uint8Array[]): void {
    this.#roots = byHash(roots);
    this.#spelledOut.clear();
    this.#earlier.clear();
    for (const [id, { credential }] of this.#verified)
      if (!this.#roots.has(toHex(topOf(credential).body.issuer))) this.#verified.delete(id);
  }

  resolve(credentialOrHash: Uint8Array): VerifiedCredential {
    return this.#unlessRevoked(this.#resolve(credentialOrHash));
  }

  /** Verifies a credential up to a pinned root, or finds it among those verified before. */
  verify(credential: Credential): VerifiedCredential {
    return this.#unlessRevoked(this.#verify(credential));
  }

  /**
   * What is signed under the hash of an earlier credential of these keys holds as if it were signed under this one: its
   * issuer says that they are the same node's.
   */
  rememberEarlier({ credential, verifyKey }: VerifiedCredential, hashes: readonly Uint8Array[]): void {
    for (const hash of hashes) {
      if (this.#earlier.size >= this.#remembered) this.#earlier.clear();
      this.#earlier.set(toHex(hash), { credential: { ...credential, hash }, verifyKey });
    }
  }

  #unlessRevoked(verified: VerifiedCredential): VerifiedCredential {
    this.revocations.assertNotRevoked(verified.credential);
    return verified;
  }

  #resolve(credentialOrHash: Uint8Array): VerifiedCredential {
    if (credentialOrHash.length !== HASH_BYTES) return this.#resolveSpelledOut(credentialOrHash);
    const id = toHex(credentialOrHash);
    // First: the earlier credential itself may hang on an issuer that is revoked by now.
    const known = this.#earlier.get(id) ?? this.#verified.get(id);
    if (known === undefined) throw new ProtocolError('the signer is not known here', { code: 'unknown-signer' });
    this.#assertInTime(known.credential);
    return known;
  }

  /** The very bytes that were verified before need no second reading: that costs half as much as a signature. */
  #resolveSpelledOut(bytes: Uint8Array): VerifiedCredential {
    const spelling = asBuffer(bytes).toString('latin1');
    const known = this.#spelledOut.get(spelling);
    if (known !== undefined) {
      this.#assertInTime(known.credential);
      return known;
    }
    const verified = this.#verify(parseCredential(new Uint8Array(bytes)));
    // Other bytes may stand for the same credential; only those whose signature was looked at are remembered.
    if (Buffer.compare(verified.credential.bytes, bytes) === 0) {
      if (this.#spelledOut.size >= SPELLED_OUT) this.#spelledOut.clear();
      this.#spelledOut.set(spelling, verified);
    }
    return verified;
  }

  #verify(credential: Credential): VerifiedCredential {
    const id = toHex(credential.hash);
    const known = this.#verified.get(id);
    // The hash covers the body, which names its issuer's hash: the same hash is the same chain. Its own links count,
    // not those that came along this time.
    this.#assertInTime(known?.credential ?? credential);
    if (known !== undefined) return known;
    const issuerKey = this.#issuerKeyOf(credential);
    const signed = credentialSignedBytes(this.fleetId, credential.body.issuer, credential.bodyBytes);
    const holds =
      this.memo?.verify(issuerKey, signed, credential.signature) ?? issuerKey.verify(signed, credential.signature);
    if (!holds) throw new ProtocolError('the credential was not signed by its issuer', { code: 'bad-credential' });
    const verified = { credential, verifyKey: new VerifyKey(credential.body.sign) };
    this.#remember(id, verified);
    return verified;
  }

  #issuerKeyOf(credential: Credential): VerifyKey {
    const issuerId = toHex(credential.body.issuer);
    const { issuer } = credential;
    if (issuer === undefined) {
      const root = this.#roots.get(issuerId);
      if (root === undefined)
        throw new ProtocolError('the credential comes from another fleet', { code: 'unknown-root' });
      return root;
    }
    if (toHex(issuer.hash) !== issuerId)
      throw new ProtocolError('the credential names another issuer', { code: 'bad-credential' });
    const verified = this.#verify(issuer);
    assertNarrows(issuer.body, credential.body);
    return verified.verifyKey;
  }

  #assertInTime(credential: Credential): void {
    const now = this.#clock.now();
    for (let link: Credential | undefined = credential; link !== undefined; link = link.issuer) {
      const { notBefore, notAfter, name } = link.body;
      if (now < notBefore - LIMITS.clockSkewMs)
        throw new ProtocolError(`the credential of ${name} is not valid yet`, { code: 'credential-not-yet-valid' });
      if (now >= notAfter)
        throw new ProtocolError(`the credential of ${name} has expired`, { code: 'credential-expired' });
    }
  }

  #remember(id: string, verified: VerifiedCredential): void {
    if (this.#verified.size >= this.#remembered) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(id, verified);
  }
}

function byHash(roots: readonly Uint8Array[]): ReadonlyMap<string, VerifyKey> {
  return new Map(roots.map((root) => [toHex(sha256(root)), new VerifyKey(root)]));
}

/** A link may only narrow: kinds, names, roles, actions, validity. @throws ProtocolError `beyond-issuer` */
function assertNarrows(issuer: CredentialBody, issued: CredentialBody): void {
  assertWithinLimits(issuer, issued);
  if (issued.notAfter > issuer.notAfter || issued.notBefore < issuer.notBefore) throw beyond(issuer, 'validity');
}

/**
 * Whether an issuer's limits let it speak for who has this credential, whoever issued it: one after another may, each in
 * its own time. @throws ProtocolError `beyond-issuer`
 */
export function assertWithinLimits(issuer: CredentialBody, issued: CredentialBody): void {
  const { limits } = issuer;
  if (issuer.kind !== 'issuer') throw beyond(issuer, 'credential at all');
  if (limits.kinds !== undefined && !limits.kinds.includes(issued.kind)) throw beyond(issuer, 'kind');
  if (limits.names !== undefined && !limits.names.some((pattern) => matchesGlob(pattern, issued.name)))
    throw beyond(issuer, 'name');
  if (limits.roles !== undefined && !issued.roles.every((role) => limits.roles?.includes(role)))
    throw beyond(issuer, 'role');
  if (limits.lifetimeMs !== undefined && issued.notAfter - issued.notBefore > limits.lifetimeMs)
    throw beyond(issuer, 'lifetime');
  if (limits.actions !== undefined && !isWithin(issued.limits.actions, limits.actions))
    throw beyond(issuer, 'set of actions');
  if (limits.where !== undefined && issued.limits.where !== limits.where) throw beyond(issuer, 'range of nodes');
  if (issued.kind === 'issuer') {
    if (limits.kinds !== undefined && !isWithin(issued.limits.kinds, limits.kinds))
      throw beyond(issuer, 'range of kinds');
    if (limits.names !== undefined && !isWithin(issued.limits.names, limits.names))
      throw beyond(issuer, 'range of names');
    if (limits.roles !== undefined && !isWithin(issued.limits.roles, limits.roles))
      throw beyond(issuer, 'range of roles');
    if (limits.lifetimeMs !== undefined && (issued.limits.lifetimeMs ?? Infinity) > limits.lifetimeMs)
      throw beyond(issuer, 'range of lifetimes');
  }
}

function beyond(issuer: CredentialBody, what: string): ProtocolError {
  return new ProtocolError(`the issuer ${issuer.name} may not issue this ${what}`, { code: 'beyond-issuer' });
}

function isWithin(narrow: readonly string[] | undefined, wide: readonly string[]): boolean {
  return narrow !== undefined && narrow.every((item) => wide.includes(item));
}

function matchesGlob(pattern: string, name: string): boolean {
  // Names are short and come from a signed credential; `*` is the only wildcard here.
  const parts = pattern.split('*');
  const [head = '', ...rest] = parts;
  if (rest.length === 0) return pattern === name;
  const tail = rest.pop() ?? '';
  if (!name.startsWith(head) || name.length < head.length + tail.length || !name.endsWith(tail)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - tail.length) return false;
    at = found + part.length;
  }
  return true;
}
