/**
 * Makes a node: its keys, credential and login as a folder that is copied to the server, and its entry for the
 * roster. Publishing the entry, and who may call this when, is enroll-node.ts's.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity, type Identity } from '../../shared/identity.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import { IDENTITY_FILE, writeNodeFolder, type NodeSettings } from '../../shared/node-folder.ts';
import { Subjects } from '../../shared/subjects.ts';
import type { Credential } from '../../shared/wire/credential.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRosterEntry } from '../../shared/wire/roster.ts';
import { readBusSigning } from './bus-keys.ts';
import type { FleetHome, HomeFile } from './fleet-home.ts';
import { makeIdentity } from './make-identity.ts';
import { NODE_LIFE_MS } from './node-life.ts';
import { findIssued, toIssued } from './register.ts';

export interface IssueNodeOptions {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the roster entry: higher than that of any earlier one. @default now */
  readonly revision?: number;
  /** Replaces a node that was never published, and whose folder is gone. @default false */
  readonly again?: boolean;
  /** Facts that nobody but the issuer sets; targets see them as `trusted.<name>`. */
  readonly trusted: Readonly<Record<string, string | number | boolean>>;
  /** More lines for the agent's configuration. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface IssuedNode {
  readonly name: string;
  /** Configuration, identity, tasks.d, facts.d and state: all that `fleet-agent --config` wants. */
  readonly folder: string;
  /** Signed roster entry, for its subject. */
  readonly roster: { readonly subject: string; readonly data: Uint8Array };
}

/** A folder for a new node, and its login. @throws UsageError when the name is taken or can't be one. */
export async function issueNode(home: FleetHome, options: IssueNodeOptions): Promise<IssuedNode> {
  const name = parseNodeName(options.name);
  const file = await home.read();
  if (options.again !== true && findIssued(file.issued, 'node', name) !== undefined) throw nameTaken(home, name);
  const folder = home.node(name);
  rmSync(folder, { recursive: true, force: true });
  writeNodeFolder(folder, nodeSettings(home, file, options.settings));
  return giveKeys(home, options);
}

/**
 * New keys for a node, as the identity file in its folder; everything else there stays as it is. The old keys can't log
 * in any more once the bus has its accounts anew (push-accounts.ts).
 */
export async function renewNode(home: FleetHome, options: IssueNodeOptions): Promise<IssuedNode> {
  mkdirSync(home.node(options.name), { recursive: true, mode: 0o700 });
  return giveKeys(home, options);
}

/** The node of a run that was interrupted before its entry was published; undefined where its folder isn't whole. */
export async function resumeNode(home: FleetHome, options: IssueNodeOptions): Promise<IssuedNode | undefined> {
  const path = join(home.node(options.name), IDENTITY_FILE);
  if (!existsSync(path)) return undefined;
  const { credential } = readIdentity(path);
  return sealNode(home, readIdentity(home.issuer), credential, options.revision ?? options.now);
}

export function nameTaken(home: FleetHome, name: string): UsageError {
  return new UsageError(`there is a node ${name} in this fleet already`, {
    code: 'name-taken',
    hint: `Choose another name, use the folder that was made for it (${home.node(name)}), or give it new keys: fleet ca renew node ${name}`,
  });
}

function nodeSettings(
  home: FleetHome,
  { servers, tls, jsDomain }: HomeFile,
  more: IssueNodeOptions['settings'],
): NodeSettings {
  const ca = tls?.caFile === undefined ? undefined : readFileSync(resolve(home.folder, tls.caFile), 'utf8');
  return { servers, tls: tls && { ca }, jsDomain, more };
}

async function giveKeys(home: FleetHome, { name, now, revision, trusted }: IssueNodeOptions): Promise<IssuedNode> {
  const issuer = readIdentity(home.issuer);
  const logins = readBusSigning(home.busSigning);
  const { credential, login } = await makeIdentity(join(home.node(name), IDENTITY_FILE), issuer, logins, {
    kind: 'node',
    name,
    roles: [],
    limits: {},
    trusted: { ...trusted },
    notBefore: now,
    notAfter: Math.min(now + NODE_LIFE_MS, issuer.credential.body.notAfter),
  });
  await home.register(toIssued(credential, login), now);
  return sealNode(home, issuer, credential, revision ?? now);
}

async function sealNode(
  home: FleetHome,
  issuer: Identity,
  credential: Credential,
  revision: number,
): Promise<IssuedNode> {
  const { name } = credential.body;
  const subject = new Subjects(issuer.fleet).roster(name);
  const entry = encodeRosterEntry({ subject, revision, node: name, state: 'joined', credential: credential.bytes });
  const data = await seal('roster', issuer.fleetId, issuer, entry, { inlineCredential: true });
  return { name, folder: home.node(name), roster: { subject, data } };
}
