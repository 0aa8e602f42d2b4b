/** Tokens to join with, as somebody pastes them: read, or refused without being quoted. */
import { createLoginKeys } from '../../../shared/keys.ts';
import { FleetError } from '../../../shared/errors.ts';
import { KEY_BYTES } from '../../../shared/signing.ts';
import { assertFleetName } from '../../../shared/subjects.ts';
import { formatJoinToken, parseJoinToken } from '../../../shared/wire/join-token.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { bytesFrom } from '../../support/keys.ts';
import { promise, type FuzzTarget } from '../target.ts';

export const joinToken: FuzzTarget = {
  name: 'join-token',
  about: 'tokens to join with, as text: read or refused, and never quoted',
  sources: ['shared/wire/join-token.ts'],
  maxBytes: 8 * 1024,
  shape: 'text',
  dictionary: ['fleet1.', 'fleet2.', '=', '==', '-', '_', '+', '/', ' ', '\n', '\r\n', 'AAAA', 'gA', 'wA'],
  work: { base: 200_000, perByte: 1_000 },
  start: () => {
    const fleet = new FleetMaterial();
    const parts = {
      fleet: 'main',
      fleetId: fleet.fleetId,
      roots: [fleet.root.publicKey],
      signSeed: bytesFrom('join token'),
      loginSeed: createLoginKeys().seed,
      loginJwt: 'eyJ0eXAiOiJKV1QifQ.e30.AAAA',
      expires: fleet.now,
      ca: undefined,
      current: [fleet.root.publicKey],
    };
    return Promise.resolve({
      seeds: [parts, { ...parts, ca: [bytesFrom('certificate', 200)], current: [bytesFrom('new root')] }].map((one) =>
        Buffer.from(formatJoinToken(one)),
      ),
      run,
    });
  },
};

/** Words of an error that are this long and stand in the token were taken from it. */
const QUOTED_LENGTH = 12;

function run(input: Uint8Array): string {
  const text = Buffer.from(input).toString();
  try {
    const token = parseJoinToken(text);
    assertFleetName(token.fleet);
    promise(token.roots.length > 0 && token.roots.every(({ length }) => length === KEY_BYTES), 'roots that are none');
    promise(/^[0-9a-f]{16}$/.test(token.id) && /^[0-9a-f]{32}$/.test(token.fleetId), 'ids that are none');
    return token.ca === undefined ? 'token' : 'token with a certificate';
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    promise(error.code === 'bad-token', `refused as ${error.code}`);
    const words = `${error.message} ${error.hint}`.split(/\s+/).filter(({ length }) => length >= QUOTED_LENGTH);
    promise(!words.some((word) => text.includes(word)), 'the token is quoted');
    return error.message.split(': ')[1] ?? '';
  }
}
