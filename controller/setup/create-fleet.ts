/** Makes a fleet from nothing: root, issuer, first operator, bus configuration, context. Touches no bus. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { UsageError } from '../../shared/errors.ts';
import { writeIdentity } from '../../shared/identity.ts';
import { createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import { fleetIdOf, signerFromSeed } from '../../shared/signing.ts';
import { assertFleetName } from '../../shared/subjects.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import { issueCredential, type Credential, type CredentialBody } from '../../shared/wire/credential.ts';
import type { FleetHome } from './fleet-home.ts';
import { randomSerial } from './serial.ts';

export interface CreateFleetOptions {
  readonly fleet: string;
  readonly servers: readonly string[];
  readonly listen: string;
  readonly operator: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const DAY_MS = 24 * 60 * 60_000;
/** An operator's key is held by a person and leaks with a laptop: a year. An issuer's is renewed by its owner: three. */
const OPERATOR_LIFE_MS = 365 * DAY_MS;
const ISSUER_LIFE_MS = 3 * 365 * DAY_MS;

/** Identity names beside a node's: the issuer that this folder's owner signs nodes with. */
const ISSUER_NAME = 'issuer';

/** @throws UsageError when there is a fleet already, or a name can't be one. */
export async function createFleet(home: FleetHome, options: CreateFleetOptions): Promise<void> {
  const { fleet, now, operator } = options;
  assertFleetName(fleet);
  parseNodeName(operator);
  if (operator === ISSUER_NAME || operator === 'root')
    throw new UsageError(`"${operator}" can't be the name of an operator`, {
      code: 'bad-operator-name',
      hint: 'Use the name of the person.',
    });
  if (home.exists())
    throw new UsageError(`there is a fleet in ${home.folder} already`, {
      code: 'fleet-exists',
      hint: 'Use another folder (--dir), or add nodes to this one with `fleet ca issue`.',
    });
  mkdirSync(home.folder, { recursive: true, mode: 0o700 });
  const root = createSignKeys();
  const roots = [root.publicKey];
  const rootFile = { version: 1, fleet, publicKey: base64(root.publicKey), seed: base64(root.secret) };
  writeFileSync(home.rootKey, `${JSON.stringify(rootFile, null, 2)}\n`, { mode: 0o600, flag: 'wx' });

  const issue = async (
    body: Pick<CredentialBody, 'kind' | 'name' | 'roles' | 'limits'>,
    lifeMs: number,
    path: string,
  ): Promise<{ credential: Credential; login: string }> => {
    const [sign, box, login] = [createSignKeys(), createBoxKeys(), createLoginKeys()];
    const credential = await issueCredential(
      fleetIdOf(root.publicKey),
      { signer: signerFromSeed(root.secret) },
      {
        ...body,
        serial: randomSerial(),
        sign: sign.publicKey,
        box: box.publicKey,
        trusted: {},
        notBefore: now,
        notAfter: now + lifeMs,
      },
    );
    writeIdentity(path, fleet, roots, credential, {
      signSeed: sign.secret,
      boxSecret: box.secret,
      loginSeed: login.seed,
    });
    return { credential, login: login.publicKey };
  };

  const issuer = await issue(
    { kind: 'issuer', name: ISSUER_NAME, roles: [], limits: { kinds: ['node', 'join'] } },
    ISSUER_LIFE_MS,
    home.issuer,
  );
  const first = await issue(
    { kind: 'operator', name: operator, roles: ['operator'], limits: {} },
    OPERATOR_LIFE_MS,
    home.operator(operator),
  );
  writeFileSync(
    home.context,
    `${JSON.stringify({ servers: options.servers, identity: `${operator}.json` }, null, 2)}\n`,
    { mode: 0o600, flag: 'wx' },
  );
  await home.write({
    version: 1,
    fleet,
    servers: [...options.servers],
    listen: options.listen,
    users: [
      { role: 'issuer', name: ISSUER_NAME, login: issuer.login },
      { role: 'operator', name: operator, login: first.login },
    ],
  });
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
