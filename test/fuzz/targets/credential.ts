/** Credentials without a key: bytes of right ones, changed anywhere. What is accepted has to be what was issued. */
import { toHex } from '../../../shared/signing.ts';
import { parseCredential, type Credential } from '../../../shared/wire/credential.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

const MAX_LINKS = 3;

export const credential: FuzzTarget = {
  name: 'credential',
  about: 'credentials without a key: nothing is accepted but what was issued',
  sources: ['shared/wire/credential.ts', 'shared/trust.ts'],
  maxBytes: 9 * 1024,
  shape: 'tree',
  dictionary: [
    'serial',
    'kind',
    'name',
    'sign',
    'box',
    'roles',
    'limits',
    'trusted',
    'notBefore',
    'notAfter',
    'issuer',
    'node',
  ],
  work: { base: 400_000, perByte: 1_000 },
  start,
};

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const clock = new ManualClock();
  const first = await fleet.issue('issuer', 'first');
  const second = await fleet.issue('issuer', 'second', { limits: { kinds: ['node'], names: ['db*'] } }, first);
  const members = [
    first,
    second,
    await fleet.issue('node', 'db1', { trusted: { role: 'db', rack: 7, spare: false } }, second),
    await fleet.issue('node', 'web1', {}, second),
    await fleet.operator('alice', { limits: { actions: ['ping'], where: 'role=db' } }),
    await fleet.operator('old', { notAfter: fleet.now }),
    await new FleetMaterial({ label: 'other' }).operator('alice'),
  ];
  const issued = new Set(members.map((member) => toHex(member.credential.hash)));
  return {
    seeds: members.map((member) => member.credential.bytes),
    run: (input) => {
      const trust = fleet.trust(clock);
      return codeOf(() => {
        const parsed = parseCredential(input);
        promise(linksOf(parsed).length <= MAX_LINKS, 'a longer chain than there may be');
        const again = parseCredential(parsed.bytes);
        promise(toHex(again.hash) === toHex(parsed.hash), 'another hash the second time');
        trust.verify(parsed);
        for (const link of linksOf(parsed)) promise(issued.has(toHex(link.hash)), 'accepted, never issued');
      });
    },
  };
}

function linksOf(leaf: Credential): Credential[] {
  const links: Credential[] = [];
  for (let link: Credential | undefined = leaf; link !== undefined; link = link.issuer) links.push(link);
  return links;
}
