/**
 * Finds a nats-server that the embedded fleet can use: FLEET_NATS_SERVER, then the PATH, then the folders where
 * packages put it, then the folder that the set-up unpacked one into. Asked by `fleet dev up`, by the tests, and by
 * deploy/setup/ through the compiled file. It installs nothing.
 */
import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { SettingsError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { distributionOf, natsServerHint } from './nats-server-hint.ts';

export interface NatsServerSearch {
  /** FLEET_NATS_SERVER: used or refused, but never passed over for another one. */
  readonly explicit?: string | undefined;
  /** The PATH. */
  readonly path?: string | undefined;
  /** Where the set-up unpacks a package to: `unpackedFolder(checkout)`. */
  readonly unpacked?: string | undefined;
  /** @default the folders that packages use and an unprivileged PATH leaves out */
  readonly systemFolders?: readonly string[];
}

export interface NatsServerProgram {
  readonly path: string;
  /** `2.9.10` */
  readonly version: string;
}

const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];

/** JetStream as the protocol uses it (rollup and delete permissions, direct gets by subject) is complete from here on. */
const OLDEST = { major: 2, minor: 9 };

/** The folder, inside the root of a checkout, that the set-up unpacks Debian's package into. */
export function unpackedFolder(checkout: string): string {
  return join(checkout, '.cache', 'nats-server');
}

/** @throws SettingsError `no-nats-server` with what to install on this platform. */
export async function findNatsServer(search: NatsServerSearch, signal?: AbortSignal): Promise<NatsServerProgram> {
  const unusable: string[] = [];
  for (const path of candidates(search)) {
    const version = await versionOf(path, signal);
    signal?.throwIfAborted();
    if (version === 'missing') continue;
    if (version !== 'broken' && isNewEnough(version)) return { path, version };
    unusable.push(version === 'broken' ? `${path} does not run` : `${path} is ${version}`);
  }
  throw new SettingsError(problem(search, unusable), {
    code: 'no-nats-server',
    hint: natsServerHint({ system: process.platform, distribution: await distribution() }),
  });
}

function candidates(search: NatsServerSearch): string[] {
  if (search.explicit !== undefined && search.explicit !== '') return [search.explicit];
  const folders = [
    ...(search.path ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...(search.systemFolders ?? SYSTEM_FOLDERS),
    ...(search.unpacked === undefined ? [] : [join(search.unpacked, 'usr', 'sbin')]),
  ];
  return [...new Set(folders)].map((folder) => join(folder, 'nats-server'));
}

async function versionOf(path: string, signal?: AbortSignal): Promise<string> {
  try {
    await access(path, constants.X_OK);
  } catch {
    return 'missing';
  }
  try {
    const options = { timeout: LIMITS.programVersionMs, ...(signal && { signal }) };
    const { stdout } = await promisify(execFile)(path, ['-v'], options);
    return /\bv?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'broken';
  } catch {
    return 'broken';
  }
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}

function problem(search: NatsServerSearch, unusable: readonly string[]): string {
  const wanted = `nats-server ${OLDEST.major}.${OLDEST.minor} or newer is needed`;
  if (unusable.length > 0) return `${wanted}, but ${unusable.join(', ')}`;
  if (search.explicit) return `${wanted}, and FLEET_NATS_SERVER names no program: ${search.explicit}`;
  return `${wanted}, and none was found`;
}

async function distribution(): Promise<string[]> {
  try {
    return distributionOf(await readFile('/etc/os-release', 'utf8'));
  } catch {
    return [];
  }
}
