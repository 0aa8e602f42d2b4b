/**
 * Makes this server a node, in a folder: keys, then the question, then the files of a node, the identity last. Whatever
 * interrupts it, a second run goes on from there.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toPem } from '../../shared/certificates.ts';
import { FleetError, SettingsError, UsageError } from '../../shared/errors.ts';
import { readIdentity, writeIdentity } from '../../shared/identity.ts';
import { IDENTITY_FILE, writeNodeFolder } from '../../shared/node-folder.ts';
import type { JoinToken } from '../../shared/wire/join-token.ts';
import { StateLock } from '../state-lock.ts';
import { askToJoin, type AskDependencies, type AskOptions, type Joined } from './ask-to-join.ts';
import { forgetPendingKeys, takePendingKeys, type PendingKeys } from './pending-keys.ts';

export interface JoinOptions extends Pick<AskOptions, 'url' | 'token' | 'name' | 'host' | 'patienceMs'> {
  readonly folder: string;
  readonly bootId: string;
}

export interface JoinedNode {
  readonly name: string;
  readonly trusted: Joined['credential']['body']['trusted'];
  /** Files of the folder that were there, and stay as they were. */
  readonly kept: readonly string[];
}

/** @throws SettingsError `already-joined`, `state-in-the-way`, `folder-unusable`, `token-expired`; what askToJoin throws */
export async function joinFleet(options: JoinOptions, dependencies: AskDependencies): Promise<JoinedNode> {
  const { folder, token, bootId, name } = options;
  const stateDir = join(folder, 'state');
  assertNotJoined(folder);
  assertNotExpired(token, dependencies.clock.now());
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    assertNoOtherState(stateDir, folder);
    const lock = await StateLock.take({ stateDir, bootId });
    const caFile = writeCa(folder, token);
    try {
      // Another one may have been faster.
      assertNotJoined(folder);
      const keys = takePendingKeys(folder, { fleetId: token.fleetId, name });
      if (keys.isResumed) dependencies.say('going on with the keys of an earlier attempt');
      const joined = await askToJoin({ ...options, keys, caFile }, dependencies);
      const kept = writeNode(options, keys, joined);
      return { name, trusted: joined.credential.body.trusted, kept };
    } finally {
      if (caFile !== undefined) rmSync(caFile, { force: true });
      await lock.release();
    }
  } catch (error) {
    throw describeFileError(error, folder);
  }
}

/** The identity comes last: a folder without it is no node, and one with it is whole. */
function writeNode(options: JoinOptions, keys: PendingKeys, { grant, credential }: Joined): string[] {
  const { folder, token, url } = options;
  const { loginJwt, servers, jsDomain, tls } = grant;
  const { ca } = tls ?? {};
  const kept = writeNodeFolder(folder, {
    // The address that this server was told to join at is one that it can reach.
    servers: [url, ...servers.filter((server) => server !== url)],
    jsDomain,
    tls: tls && { ca: ca && toPem(ca) },
  });
  const path = join(folder, IDENTITY_FILE);
  const aside = `${path}.new`;
  rmSync(aside, { force: true });
  const { signSeed, boxSecret, loginSeed } = keys;
  const own = { signSeed, boxSecret, loginSeed, loginJwt };
  writeIdentity(aside, token.fleet, token.roots, credential, own, token.fleetId);
  renameSync(aside, path);
  forgetPendingKeys(folder);
  return kept;
}

function writeCa(folder: string, { ca }: JoinToken): string | undefined {
  if (ca === undefined) return undefined;
  const path = join(folder, 'joining-ca.pem');
  writeFileSync(path, toPem(ca), { mode: 0o600 });
  return path;
}

function assertNotJoined(folder: string): void {
  const path = join(folder, IDENTITY_FILE);
  if (!existsSync(path)) return;
  let who = 'somebody already';
  try {
    const { name, fleet } = readIdentity(path);
    who = `${name} of the fleet ${fleet} already`;
  } catch {
    // A damaged one is still somebody's only copy.
  }
  throw new SettingsError(`this server is ${who}: ${path} is there`, {
    code: 'already-joined',
    hint: `For new keys: fleet ca renew node NAME. To join anew, move the folder away: mv ${folder} ${folder}.old`,
  });
}

/** What another node remembered, or another fleet decided, must not become this one's. */
function assertNoOtherState(stateDir: string, folder: string): void {
  const left = readdirSync(stateDir).find((name) => name !== 'fresh' && !/^(lock|draft)\./.test(name));
  if (left === undefined) return;
  throw new SettingsError(`${join(stateDir, left)} is of a node that was here before`, {
    code: 'state-in-the-way',
    hint: `Move the folder away, or join in another: mv ${folder} ${folder}.old`,
  });
}

function assertNotExpired({ expires, id }: JoinToken, now: number): void {
  if (now < expires) return;
  throw new UsageError(`the token ${id} ended at ${new Date(expires).toISOString()}`, {
    code: 'token-expired',
    hint: 'Have a new one made: fleet enroll token. If it should still be good, set the clock of this machine.',
  });
}

function describeFileError(error: unknown, folder: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof FleetError || syscall === undefined || code === undefined) return error;
  return new SettingsError(`nothing can be written in ${folder} (${code})`, {
    code: 'folder-unusable',
    hint: 'Join as the user that the agent runs as, root for one, or in another folder: --dir DIR',
    cause: error,
  });
}
