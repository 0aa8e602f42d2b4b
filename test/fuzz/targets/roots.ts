/**
 * Chains of roots: steps of any content, each really signed by a key that the input chooses. What is followed has to begin
 * at the fleet's first root, and every step has to be signed by a root of the one before.
 */
import { decode, encode } from '../../../shared/codec.ts';
import { followRoots } from '../../../shared/follow-roots.ts';
import { sha256, toHex } from '../../../shared/signing.ts';
import { sealWith } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { signKeysFrom } from '../../support/keys.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const roots: FuzzTarget = {
  name: 'roots',
  about:
    'chains of roots, each step really signed by some key: nothing is followed that the first root does not lead to',
  sources: ['shared/follow-roots.ts', 'shared/wire/roots.ts'],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary: [
    'by',
    'step',
    'subject',
    'revision',
    'roots',
    'previous',
    'crit',
    'fleet.main.ctl.roots',
    'fleet.main.ctl.policy',
  ],
  work: { base: 1_000_000, perByte: 5_000 },
  start,
};

const MOST_STEPS = 80;

interface Step {
  readonly by: number;
  readonly step: Readonly<Record<string, unknown>>;
}

function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const signers = [
    fleet.root,
    ...['second', 'third', 'stranger'].map((label) => signKeysFrom(`roots/${label}`).signer),
  ];
  const [first, second, third] = signers.map(({ publicKey }) => publicKey);
  const subject = fleet.subjects.controlDocument('roots');
  const step = (by: number, revision: number, keys: unknown[]): Step => ({
    by,
    step: { subject, revision, roots: keys },
  });
  const whole = [step(0, 1, [first]), step(0, 2, [first, second]), step(1, 3, [second, third]), step(2, 4, [third])];
  const seeds = [whole, whole.slice(0, 2), [step(0, 1, [second, first])], [step(3, 1, [first])]];

  const build = async (steps: readonly unknown[]): Promise<Uint8Array | undefined> => {
    let previous: Uint8Array | undefined;
    for (const item of steps.slice(0, MOST_STEPS)) {
      const { by, step: body } = (item ?? {}) as Partial<Step>;
      const signer = signers[typeof by === 'number' ? by : -1];
      if (signer === undefined || typeof body !== 'object' || body === null) return undefined;
      const hash = sha256(signer.publicKey);
      const payload = encode(previous === undefined ? body : { previous, ...body });
      previous = await sealWith('roots', fleet.fleetId, { signer, hash, reference: hash }, payload);
    }
    return previous;
  };

  return Promise.resolve({
    seeds: seeds.map((steps) => encode(steps)),
    run: async (input) => {
      let steps: unknown;
      if (codeOf(() => (steps = decode(input))) !== 'accepted' || !Array.isArray(steps)) return 'no steps';
      const envelope = await build(steps as unknown[]);
      if (envelope === undefined) return 'no steps';
      const outcomes = [[first], [first, second], [third]].map((pinned) => {
        const keys = pinned.filter((key) => key !== undefined);
        return codeOf(() => {
          const followed = followRoots(envelope, keys, { fleetId: fleet.fleetId, subjects: fleet.subjects });
          assertFollowed(steps as Step[], followed.roots);
        });
      });
      return outcomes.join(' ');
    },
  });

  function assertFollowed(steps: readonly Step[], followed: readonly Uint8Array[]): void {
    // A step may bring a chain of its own along, in place of those before it.
    if (steps.some(({ step: body }) => 'previous' in body)) return;
    let holding = [fleet.root.publicKey];
    for (const [index, { by, step: body }] of steps.entries()) {
      const key = signers[by]?.publicKey;
      promise(
        key !== undefined && holding.some((root) => toHex(root) === toHex(key)),
        'signed by none of those before',
      );
      promise(body['revision'] === index + 1 && body['subject'] === subject, 'out of its order or place');
      holding = body['roots'] as Uint8Array[];
    }
    promise(holding.map(toHex).join() === followed.map(toHex).join(), 'other roots than the last step says');
  }
}
