/** Makes a fleet from nothing: root, issuer, first operator, keys and configuration of the bus, context. Touches no bus. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { SettingsError, UsageError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import { assertFleetName } from '../../shared/subjects.ts';
import type { CredentialLimits } from '../../shared/wire/credential.ts';
import { issueAccounts } from './bus-accounts.ts';
import {
  certificateHosts,
  makeCertificates,
  serverHosts,
  takeCertificates,
  type OwnCertificates,
} from './bus-certificates.ts';
import { readBusKeys } from './bus-keys.ts';
import { createBusKeys } from './create-bus-keys.ts';
import { writeFirstPolicy } from './first-policy.ts';
import { FleetHome, type HomeFile } from './fleet-home.ts';
import { holdLock } from './hold-lock.ts';
import { describeFolderError, makeTogether } from './make-folder.ts';
import { makeIdentity } from './make-identity.ts';
import { renderNatsConfig } from './nats-config.ts';
import { assertOperatorName, OPERATOR_LIFE_MS } from './operator-name.ts';
import { toIssued } from './register.ts';
import { createRoot } from './root-key.ts';

export interface CreateFleetOptions {
  readonly fleet: string;
  readonly servers: readonly string[];
  readonly listen: string;
  readonly operator: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the root key. @default none */
  readonly passphrase?: string | undefined;
  /**
   * Certificates of the bus that come from elsewhere, or `none` for a bus without TLS.
   * @default made here, by an authority of the fleet's own
   */
  readonly certificates?: OwnCertificates | 'none' | undefined;
  /** Where the bus keeps its files on its own machine: an absolute path. @default the folder of the fleet */
  readonly busFolder?: string | undefined;
  /** Copies of what is stored, over the servers of a cluster. @default 1 */
  readonly replicas?: number | undefined;
}

/** An issuer's key is held by the owner of the fleet, in one place: three years. */
export const ISSUER_LIFE_MS = 3 * OPERATOR_LIFE_MS;
/** Whoever gets its key online makes no operators with it. */
export const ISSUER_LIMITS: CredentialLimits = { kinds: ['node', 'join'] };
const ISSUER_NAME = 'issuer';
/** Who made the fleet may do everything, and say who else may. */
const FIRST_ROLES = ['admin', 'operator'] as const;

/** All of it or nothing. @throws UsageError SettingsError */
export async function createFleet(home: FleetHome, options: CreateFleetOptions): Promise<void> {
  assertFleetName(options.fleet);
  parseNodeName(options.operator);
  assertOperatorName('operator', options.operator, [{ kind: 'issuer', name: ISSUER_NAME }]);
  const wasThere = existsSync(home.folder);
  try {
    mkdirSync(home.folder, { recursive: true, mode: 0o700 });
    await holdLock(home.lock, { what: 'another `fleet init`' }, async () => {
      assertNothingInTheWay(home, options.operator);
      await makeTogether(home.folder, basename(home.file), (aside) => makeFiles(home, new FleetHome(aside), options));
    });
  } catch (error) {
    if (!wasThere) removeIfEmpty(home.folder);
    throw describeFolderError(home.folder, error);
  }
}

function assertNothingInTheWay(home: FleetHome, operator: string): void {
  if (home.exists())
    throw new UsageError(`there is a fleet in ${home.folder} already`, {
      code: 'fleet-exists',
      hint: 'Use another folder (--dir), or add nodes to this one with `fleet ca issue node`.',
    });
  if (existsSync(home.context))
    throw new UsageError(`you belong to a fleet already: its context is ${home.context}`, {
      code: 'context-exists',
      hint: 'Use another folder (--dir); --context FILE then says which fleet a command is for.',
    });
  const { busKeys, busSigning, issuer, natsConfig, policy, rootKey, signedPolicy, tls } = home;
  const files = [rootKey, issuer, busKeys, busSigning, home.operator(operator), natsConfig, tls, policy, signedPolicy];
  const found = files.find((path) => existsSync(path));
  if (found !== undefined)
    throw new SettingsError(`${found} is there already, and is not overwritten`, {
      code: 'file-in-the-way',
      hint: 'Use another folder (--dir), or move it away.',
    });
}

/** @param aside where they are made; what they say is for `home` */
async function makeFiles(home: FleetHome, aside: FleetHome, options: CreateFleetOptions): Promise<void> {
  const { fleet, now, operator } = options;
  const root = await createRoot(aside.rootKey, { fleet, passphrase: options.passphrase });
  await createBusKeys(aside, fleet);
  const busKeys = readBusKeys(aside.busKeys);
  const issuer = await makeIdentity(aside.issuer, root, busKeys, {
    kind: 'issuer',
    name: ISSUER_NAME,
    roles: [],
    limits: ISSUER_LIMITS,
    trusted: {},
    notBefore: now,
    notAfter: now + ISSUER_LIFE_MS,
  });
  const first = await makeIdentity(aside.operator(operator), root, busKeys, {
    kind: 'operator',
    name: operator,
    roles: [...FIRST_ROLES],
    limits: {},
    trusted: {},
    notBefore: now,
    notAfter: now + OPERATOR_LIFE_MS,
  });
  await writeFirstPolicy(aside, readIdentity(aside.operator(operator)), now);
  const tls = await provideCertificates(aside, options);
  const servers = [...options.servers];
  writePrivate(aside.context, { servers, ...tls, identity: `${operator}.json` });
  const file: HomeFile = {
    version: 1,
    fleet,
    servers,
    ...tls,
    listen: options.listen,
    ...(options.busFolder === undefined ? {} : { busFolder: options.busFolder }),
    ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
    issued: [toIssued(issuer.credential, issuer.login), toIssued(first.credential, first.login)],
  };
  const tokens = await issueAccounts(busKeys, new Map());
  writeFileSync(aside.natsConfig, renderNatsConfig(home.natsOptions(file), tokens), { mode: 0o600 });
  writePrivate(join(aside.folder, basename(home.file)), file);
}

/** @returns how nodes and operators connect */
async function provideCertificates(aside: FleetHome, options: CreateFleetOptions): Promise<Pick<HomeFile, 'tls'>> {
  const { certificates, fleet, listen, now, servers } = options;
  if (certificates === 'none') return {};
  if (certificates === undefined) {
    await makeCertificates(aside, { fleet, now, hosts: certificateHosts(servers, listen) });
    return { tls: { caFile: relative(aside.folder, aside.caFile) } };
  }
  await takeCertificates(aside, certificates, { now, hosts: serverHosts(servers) });
  return { tls: certificates.caFile === undefined ? {} : { caFile: relative(aside.folder, aside.caFile) } };
}

function writePrivate(path: string, content: unknown): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It was never made, or something else is in it by now.
  }
}
