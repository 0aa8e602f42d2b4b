/**
 * From the roots that a reader pins to those that hold now. All steps are proven, from the fleet's id on; where the reader
 * is among them tells which are new to it. Every later one is signed by a root that the reader had come to trust.
 */
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { assertUsableKey, fleetIdOf, sha256, toHex, VerifyKey } from './signing.ts';
import type { Subjects } from './subjects.ts';
import { parseEnvelope } from './wire/envelope.ts';
import { decodeRoots, type RootsStep } from './wire/roots.ts';
import { signedBytes } from './wire/signed-bytes.ts';

export interface FollowedRoots {
  /** Of the last step. */
  readonly revision: number;
  readonly roots: readonly Uint8Array[];
  /** All that ever held, those of today included: what was signed under them stays readable. */
  readonly ever: readonly Uint8Array[];
}

interface Frame {
  readonly step: RootsStep;
  readonly payload: Uint8Array;
  /** Hash of the key that is said to have signed it. */
  readonly by: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * @param pinned the roots that the reader goes by
 * @throws ProtocolError `malformed`, `unknown-root`, `bad-signature`, `misrouted`, `bad-key`
 */
export function followRoots(
  envelope: Uint8Array,
  pinned: readonly Uint8Array[],
  { fleetId, subjects }: { fleetId: string; subjects: Subjects },
): FollowedRoots {
  const frames = unwrap(envelope);
  const [first] = frames;
  const firstRoot = first?.step.roots.find((root) => fleetIdOf(root) === fleetId);
  if (firstRoot === undefined)
    throw new ProtocolError("the chain of roots does not begin at this fleet's first root", { code: 'unknown-root' });
  let roots: readonly Uint8Array[] = [firstRoot];
  let isPinned = areSameRoots(roots, pinned);
  for (const [index, frame] of frames.entries()) {
    const { step } = frame;
    if (step.revision !== index + 1)
      throw new ProtocolError(`step ${step.revision} of the roots stands at ${index + 1}`, { code: 'malformed' });
    if (step.subject !== subjects.controlDocument('roots'))
      throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
    assertSigned(frame, fleetId, roots);
    roots = step.roots;
    isPinned ||= areSameRoots(roots, pinned);
  }
  if (!isPinned)
    throw new ProtocolError('the chain of roots does not lead over those that are pinned here', {
      code: 'unknown-root',
    });
  for (const root of roots) assertUsableKey(root);
  const ever = [firstRoot, ...frames.flatMap(({ step }) => step.roots)];
  return { revision: frames.length, roots, ever };
}

/**
 * First step first. What was signed is known only when all are unwrapped: a step's signer is in the one before. Until then
 * nothing is concluded from any of it.
 */
function unwrap(envelope: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let next: Uint8Array | undefined = envelope; next !== undefined;) {
    if (frames.length >= LIMITS.rootSteps)
      throw new ProtocolError(`more than ${LIMITS.rootSteps} steps of roots`, { code: 'malformed' });
    const [, payload, signatures] = parseEnvelope(next);
    const [signature, ...others] = signatures;
    if (signature === undefined || others.length > 0 || signature[0] !== 'ed25519')
      throw new ProtocolError('a step of roots has one signature', { code: 'malformed' });
    const step = decodeRoots(payload);
    frames.unshift({ step, payload, by: signature[1], signature: signature[2] });
    next = step.previous;
  }
  return frames;
}

function assertSigned({ payload, by, signature }: Frame, fleetId: string, roots: readonly Uint8Array[]): void {
  const root = roots.find((candidate) => toHex(sha256(candidate)) === toHex(by));
  if (root === undefined)
    throw new ProtocolError('a step of roots is signed by none of those before it', { code: 'unknown-root' });
  if (!new VerifyKey(root).verify(signedBytes('roots', fleetId, 'ed25519', by, payload), signature))
    throw new ProtocolError('the signature does not hold', { code: 'bad-signature' });
}

export function areSameRoots(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  const [left, right] = [some, others].map((keys) => keys.map(toHex).toSorted().join(' '));
  return left === right;
}
