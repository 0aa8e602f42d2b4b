/**
 * Requests to join, of any content, really signed by the key of a token and by a new key; and what operators ask the
 * enrolment service. Who gets in has to be who may, told here a second time.
 */
import { decode, encode } from '../../../shared/codec.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { isNodeName } from '../../../shared/names/node-name.ts';
import { toHex, type Signer } from '../../../shared/signing.ts';
import { parseCredential } from '../../../shared/wire/credential.ts';
import { openGrant } from '../../../shared/wire/join-answer.ts';
import type { JoinRequest } from '../../../shared/wire/join-request.ts';
import { sealByKeys } from '../../../shared/wire/keyed-envelope.ts';
import { EnrollDesk, type DeskToken, type Joiner } from '../../support/enroll-desk.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const joinRequest: FuzzTarget = {
  name: 'join-request',
  about:
    'requests to join of any content, really signed by who has a token: nobody gets in but who may, as what it may be',
  sources: ['controller/enroll/join', 'shared/wire/join-request.ts', 'shared/wire/keyed-envelope.ts'],
  maxBytes: 4 * 1024,
  shape: 'tree',
  dictionary:
    'id token name sign box login issued expires host hostname os addresses crit epochs web1 web2 db1 ../web1 web/1 admin issuer retryOf'.split(
      ' ',
    ),
  work: { base: 3_000_000, perByte: 2_000 },
  start,
};

const TRUSTED = { role: 'web', rack: 7 };

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const seeds: Uint8Array[] = [];
  const { desk, open, byHand, joiner } = await openDesk(fleet);
  for (const token of [open, byHand])
    for (const name of ['web1', 'db1']) seeds.push(encode(desk.request({ ...joiner, name }, token)));

  return {
    seeds,
    run: async (input) => {
      // A new service for each: what one request leaves behind is not the next one's matter.
      const fresh = await openDesk(fleet);
      const asked = requestOf(input);
      const token = asked?.token === fresh.byHand.id ? fresh.byHand : fresh.open;
      const bytes = await sealByKeys('enroll', fleet.fleetId, [token.signer, signerOf(fresh)], input);
      const answer = await fresh.desk.send(bytes);
      promise(answer !== undefined, 'a signed request without an answer');
      promise(fresh.desk.joins.length === 1, 'not told once for the audit trail');
      if (answer.outcome !== 'refused') {
        promise(asked?.token === token.id, 'in by another token than signed');
        promise(
          isNodeName(asked.name) && (token === fresh.open || asked.name.startsWith('web')),
          'in by a name it may not have',
        );
        const now = fresh.desk.clock.now();
        promise(asked.issued <= now + LIMITS.clockSkewMs && asked.expires > now, 'in out of its time');
        promise((answer.outcome === 'pending') === (token === fresh.byHand), 'in without being approved');
      }
      if (answer.outcome === 'joined' && asked !== undefined) assertGrant(answer.grant, asked, fresh);
      return `${answer.outcome} ${answer.code ?? ''}`;
    },
  };
}

interface OpenDesk {
  readonly desk: EnrollDesk;
  readonly open: DeskToken;
  readonly byHand: DeskToken;
  readonly joiner: Joiner;
}

async function openDesk(fleet: FleetMaterial): Promise<OpenDesk> {
  const desk = await EnrollDesk.open(fleet);
  const open = await desk.token({ trusted: TRUSTED }, 'open');
  const byHand = await desk.token({ approval: 'by-hand', names: 'web*', uses: 2 }, 'by-hand');
  return { desk, open, byHand, joiner: desk.joiner('web1') };
}

const signerOf = ({ joiner }: OpenDesk): Signer => joiner.signer;

function requestOf(payload: Uint8Array): JoinRequest | undefined {
  let value: unknown;
  codeOf(() => (value = decode(payload)));
  return typeof value === 'object' && value !== null ? (value as JoinRequest) : undefined;
}

/** What it got is a node's credential for its own keys, of the name that it asked for, with the token's facts. */
function assertGrant(sealed: Uint8Array | undefined, asked: JoinRequest, { desk, joiner }: OpenDesk): void {
  promise(sealed !== undefined, 'joined, and got nothing');
  // Another box key may be asked for than the one that this server has: then it can't be opened here.
  if (toHex(asked.box) !== toHex(joiner.box.publicKey)) return;
  const { body } = desk.trust.verify(parseCredential(openGrant(joiner.box.secret, sealed).credential)).credential;
  promise(body.kind === 'node' && body.name === asked.name, 'a credential for something else');
  promise(toHex(body.sign) === toHex(joiner.signer.publicKey), 'a credential for another key');
  promise(body.roles.length === 0, 'a node with roles');
  promise(JSON.stringify(body.trusted) === JSON.stringify(TRUSTED), 'other facts than the token has');
}
