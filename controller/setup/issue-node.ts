/**
 * Makes a node: its keys and credential as a folder that is copied to the server, its login in the bus configuration,
 * and its entry for the roster. Publishing the entry is enroll-node.ts's.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../shared/errors.ts';
import { readIdentity, writeIdentity } from '../../shared/identity.ts';
import { createBoxKeys, createLoginKeys, createSignKeys } from '../../shared/keys.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import { Subjects } from '../../shared/subjects.ts';
import { issueCredential } from '../../shared/wire/credential.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeRosterEntry } from '../../shared/wire/roster.ts';
import type { FleetHome } from './fleet-home.ts';
import { randomSerial } from './serial.ts';

export interface IssueNodeOptions {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Facts that nobody but the issuer sets; targets see them as `trusted.<name>`. */
  readonly trusted: Readonly<Record<string, string | number | boolean>>;
  /** More lines for the agent's configuration. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Where the node's folder goes. @default home.node(name) */
  readonly folder?: string;
}

export interface IssuedNode {
  readonly name: string;
  /** Configuration, identity, policy, tasks.d, facts.d and state: all that `fleet-agent --config` wants. */
  readonly folder: string;
  /** Signed roster entry, for its subject. */
  readonly roster: { readonly subject: string; readonly data: Uint8Array };
}

const NODE_LIFE_MS = 365 * 24 * 60 * 60_000;

const FIRST_POLICY = `# Who may do what on this node: nothing, unless a rule here allows it.
# The role comes from the caller's credential. Patterns: exact names, or a beginning and *.
version: 1
roles:
  operator:
    allow:
      - actions: ['*']
        tasks: ['*']
  reader:
    allow:
      - actions: [ping, facts.get, inventory, process.list, task.list]
`;

/** @throws UsageError when the name is taken or can't be one. */
export async function issueNode(home: FleetHome, options: IssueNodeOptions): Promise<IssuedNode> {
  const name = parseNodeName(options.name);
  const { fleet, servers, users } = await home.read();
  if (users.some((user) => user.role === 'node' && user.name === name))
    throw new UsageError(`there is a node ${name} in this fleet already`, {
      code: 'name-taken',
      hint: 'Choose another name, or use the folder that was made for it.',
    });
  const issuer = readIdentity(home.issuer);
  const [sign, box, login] = [createSignKeys(), createBoxKeys(), createLoginKeys()];
  const notAfter = Math.min(options.now + NODE_LIFE_MS, issuer.credential.body.notAfter);
  const credential = await issueCredential(issuer.fleetId, issuer, {
    serial: randomSerial(),
    kind: 'node',
    name,
    sign: sign.publicKey,
    box: box.publicKey,
    roles: [],
    limits: {},
    trusted: { ...options.trusted },
    notBefore: options.now,
    notAfter,
  });

  const folder = options.folder ?? home.node(name);
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['', 'tasks.d', 'facts.d', 'state'])
    mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
  writeIdentity(join(folder, 'identity.json'), fleet, issuer.roots, credential, {
    signSeed: sign.secret,
    boxSecret: box.secret,
    loginSeed: login.seed,
  });
  writeFileSync(join(folder, 'agent.yaml'), `${JSON.stringify({ servers, ...options.settings }, null, 2)}\n`, {
    mode: 0o600,
  });
  writeFileSync(join(folder, 'policy.yaml'), FIRST_POLICY, { mode: 0o600 });
  // The agent's replay memory starts empty exactly once: see agent/replay/.
  writeFileSync(join(folder, 'state', 'fresh'), '', { mode: 0o600 });

  const subject = new Subjects(fleet).roster(name);
  const entry = encodeRosterEntry({
    subject,
    revision: options.now,
    node: name,
    state: 'joined',
    credential: credential.bytes,
  });
  const data = await seal('roster', issuer.fleetId, issuer, entry, { inlineCredential: true });
  await home.addUser({ role: 'node', name, login: login.publicKey });
  return { name, folder, roster: { subject, data } };
}
