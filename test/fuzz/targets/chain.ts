/**
 * Chains of credentials whose every link is really signed, by issuers that issue whatever they like: each link has to be
 * within what the one above it may issue, told here a second time from what docs/protocol.md says.
 */
import { decode, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { sha256 } from '../../../shared/signing.ts';
import {
  credentialSignedBytes,
  parseCredential,
  type CredentialBody,
  type CredentialLimits,
} from '../../../shared/wire/credential.ts';
import { DAY_MS, FleetMaterial } from '../../support/fleet-material.ts';
import { boxKeysFrom, serialFrom, signKeysFrom } from '../../support/keys.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const chain: FuzzTarget = {
  name: 'chain',
  about: 'chains of credentials, really signed: a link that is more than its issuer may issue is never accepted',
  sources: ['shared/wire/credential.ts', 'shared/trust.ts'],
  maxBytes: 6 * 1024,
  shape: 'tree',
  dictionary:
    'serial kind name sign box roles limits trusted notBefore notAfter issuer kinds names actions where lifetimeMs issuer operator node service join db1 db* *1 d*b* * web1 admin ping role=db'.split(
      ' ',
    ),
  work: { base: 400_000, perByte: 1_000 },
  start,
};

const KEYS = ['one', 'two', 'three'].map((label) => signKeysFrom(`chain/${label}`));

function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const clock = new ManualClock();
  const body = (level: number, kind: string, name: string, changes: Partial<CredentialBody> = {}): object => ({
    serial: serialFrom(`chain/${level}`),
    kind,
    name,
    sign: KEYS[level]?.signer.publicKey,
    box: boxKeysFrom('chain').publicKey,
    roles: [],
    limits: {},
    trusted: {},
    notBefore: fleet.now - DAY_MS,
    notAfter: fleet.now + DAY_MS,
    ...changes,
  });
  const all: CredentialLimits = {
    kinds: ['issuer', 'node', 'operator'],
    names: ['d*b*', 'second', 'db1'],
    roles: ['operator', 'admin'],
    actions: ['ping', 'exec'],
    where: 'role=db',
    lifetimeMs: 2 * DAY_MS,
  };
  const narrow: CredentialLimits = {
    ...all,
    kinds: ['node'],
    names: ['d*b*', 'db1'],
    roles: ['operator'],
    actions: ['ping'],
  };
  const seeds = [
    [body(0, 'node', 'db1')],
    [body(0, 'issuer', 'first'), body(1, 'operator', 'alice', { roles: ['operator'], limits: { actions: ['ping'] } })],
    [
      body(0, 'issuer', 'first', { limits: all }),
      body(1, 'issuer', 'second', { limits: narrow }),
      body(2, 'node', 'db1', { limits: { actions: ['ping'], where: 'role=db' }, roles: ['operator'] }),
    ],
    [body(0, 'issuer', 'first', { limits: { kinds: ['node', 'join'] } }), body(1, 'join', 't1')],
  ].map((bodies) => encode(bodies));

  return Promise.resolve({
    seeds,
    run: async (input) => {
      const bytes = await issueChain(fleet, input);
      if (bytes === undefined) return 'no bodies';
      let bodies: CredentialBody[] = [];
      const code = codeOf(() => {
        const leaf = parseCredential(bytes);
        bodies = [leaf, leaf.issuer, leaf.issuer?.issuer].flatMap((link) => (link === undefined ? [] : [link.body]));
        fleet.trust(clock).verify(leaf);
      });
      const excess = firstExcess(bodies);
      const isInTime = bodies.every(
        ({ notBefore, notAfter }) => clock.now() >= notBefore - LIMITS.clockSkewMs && clock.now() < notAfter,
      );
      if (code === 'accepted') {
        promise(isInTime, 'accepted out of its time');
        promise(excess === undefined, `accepted in spite of its ${excess}`);
      }
      if (code === 'beyond-issuer') promise(excess !== undefined, 'refused as beyond its issuer, and it is not');
      return `${code} ${bodies.length} ${code === 'beyond-issuer' ? excess : ''}`;
    },
  });
}

/** Signs what the input says, link by link from the root down. */
async function issueChain(fleet: FleetMaterial, input: Uint8Array): Promise<Uint8Array | undefined> {
  let bodies: unknown;
  if (codeOf(() => (bodies = decode(input))) !== 'accepted') return undefined;
  if (!Array.isArray(bodies) || bodies.length === 0 || bodies.length > KEYS.length + 1) return undefined;
  let issuer = { hash: sha256(fleet.root.publicKey), bytes: null as Uint8Array | null, signer: fleet.root };
  for (const [level, body] of (bodies as unknown[]).entries()) {
    if (typeof body !== 'object' || body === null) return undefined;
    const bodyBytes = encode({ issuer: issuer.hash, ...body });
    const signature = await issuer.signer.sign(credentialSignedBytes(fleet.fleetId, issuer.hash, bodyBytes));
    const bytes = encode([1, bodyBytes, signature, issuer.bytes]);
    issuer = { hash: sha256(bodyBytes), bytes, signer: KEYS[level]?.signer ?? fleet.root };
  }
  return issuer.bytes ?? undefined;
}

/** What a link is or has beyond what the one above it may issue; leaf first. */
function firstExcess(bodies: readonly CredentialBody[]): string | undefined {
  for (const [index, issued] of bodies.entries()) {
    const issuer = bodies[index + 1];
    if (issuer === undefined) return undefined;
    const excess = excessOf(issuer, issued);
    if (excess !== undefined) return excess;
  }
  return undefined;
}

function excessOf({ kind, limits, notBefore, notAfter }: CredentialBody, issued: CredentialBody): string | undefined {
  const isSubset = (narrow: readonly string[] | undefined, wide: readonly string[] | undefined): boolean =>
    wide === undefined || (narrow !== undefined && narrow.every((one) => wide.includes(one)));
  const fitsName = (pattern: string): boolean => {
    // Every character as its number: none of them means anything to a regular expression then.
    const source = Array.from(pattern, (one) => (one === '*' ? '.*' : `\\u{${one.codePointAt(0)?.toString(16)}}`));
    return new RegExp(`^${source.join('')}$`, 'su').test(issued.name);
  };
  if (kind !== 'issuer') return 'issuer';
  if (issued.notAfter > notAfter || issued.notBefore < notBefore) return 'validity';
  if (!isSubset([issued.kind], limits.kinds)) return 'kind';
  if (limits.names !== undefined && !limits.names.some(fitsName)) return 'name';
  if (!isSubset(issued.roles, limits.roles)) return 'roles';
  if (issued.notAfter - issued.notBefore > (limits.lifetimeMs ?? Infinity)) return 'lifetime';
  if (!isSubset(issued.limits.actions, limits.actions)) return 'actions';
  if (limits.where !== undefined && issued.limits.where !== limits.where) return 'where';
  if (issued.kind !== 'issuer') return undefined;
  if (!isSubset(issued.limits.kinds, limits.kinds)) return 'kinds';
  if (!isSubset(issued.limits.names, limits.names)) return 'names';
  if (!isSubset(issued.limits.roles, limits.roles)) return 'range of roles';
  if ((issued.limits.lifetimeMs ?? Infinity) > (limits.lifetimeMs ?? Infinity)) return 'range of lifetimes';
  return undefined;
}
