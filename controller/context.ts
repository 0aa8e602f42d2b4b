/**
 * Which fleet, as whom: the context file, with `FLEET_*` variables and flags over it. Without any of these, the embedded
 * fleet that runs on this machine is found by itself.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { SettingsError, UsageError } from '../shared/errors.ts';
import { ServerUrl, toServerUrl } from '../shared/server-url.ts';
import { readSettings } from '../shared/settings-file.ts';

/** An empty list never means all nodes, and neither does a group without one. */
const Kind = z.array(z.string()).min(1, 'an empty list names nobody: leave it out').optional();
const TargetGroup = z
  .strictObject({ where: Kind, node: Kind, exclude: Kind })
  .refine((group) => Object.values(group).some((kind) => kind !== undefined), 'a group needs where, node or exclude');

/** A number in YAML, too: it's read as the option is. */
const Amount = z.union([z.string(), z.number()]).transform(String);

const ContextFile = z.strictObject({
  servers: z.array(ServerUrl).min(1),
  identity: z.string(),
  tls: z.strictObject({ caFile: z.string().optional() }).optional(),
  jsDomain: z.string().optional(),
  /** Saved targets, for `--group`. */
  groups: z.record(z.string(), TargetGroup).default({}),
  defaults: z
    .strictObject({
      ackTimeout: z.string().optional(),
      timeout: z.string().optional(),
      /** For commands that change something. */
      batch: Amount.optional(),
      batchPause: z.string().optional(),
      canary: Amount.optional(),
      maxFailures: Amount.optional(),
    })
    .default({}),
});

export type TargetGroup = z.infer<typeof TargetGroup>;
export type Context = z.infer<typeof ContextFile> & {
  /** Absent when variables or flags say everything. */
  readonly file: string | undefined;
  /** The operator's own context file, where an embedded fleet that is up comes before it. */
  readonly hidden: string | undefined;
};

/** What the program was started with that decides the context. Read from the environment in main.ts, nowhere else. */
export interface Surroundings {
  readonly contextFile?: string | undefined;
  readonly servers?: string | undefined;
  readonly identity?: string | undefined;
  readonly caFile?: string | undefined;
  readonly configHome?: string | undefined;
  readonly stateHome?: string | undefined;
  /** Where an ssh-agent listens, for identities whose key it holds. */
  readonly sshAgentSocket?: string | undefined;
}

/** Folder of the operator's own context and keys. */
export function configFolder(surroundings: Surroundings): string {
  return join(surroundings.configHome ?? join(homedir(), '.config'), 'fleet');
}

/** Folder of the embedded fleet of this user. */
export function embeddedFolder(surroundings: Surroundings): string {
  return join(surroundings.stateHome ?? join(homedir(), '.local', 'state'), 'fleet', 'dev');
}

/** Folder of the nodes that this user emulates. */
export function emulatedFolder(surroundings: Surroundings): string {
  return join(dirname(embeddedFolder(surroundings)), 'emulated');
}

/**
 * Where this user's audit trails are kept. Those of an embedded fleet lie with it, and go with it.
 * @param contextFile that was found
 */
export function auditFolder(surroundings: Surroundings, contextFile: string | undefined): string {
  const embedded = embeddedFolder(surroundings);
  return join(contextFile !== undefined && dirname(contextFile) === embedded ? embedded : dirname(embedded), 'audit');
}

/** Where it's kept what this user's command lines have verified. */
export function rememberFolder(surroundings: Surroundings, contextFile: string | undefined): string {
  return join(dirname(auditFolder(surroundings, contextFile)), 'verified');
}

/** @throws SettingsError `no-context`, or what is wrong with the file */
export async function findContext(surroundings: Surroundings, isEmbeddedUp: () => boolean): Promise<Context> {
  const { path, hidden } = contextPath(surroundings, isEmbeddedUp);
  if (path === undefined) return withoutFile(surroundings);
  const file = await readSettings(path, 'context file', ContextFile);
  const inFolder = (name: string): string => resolve(dirname(path), name);
  return Object.freeze({
    ...file,
    file: path,
    hidden,
    servers: surroundings.servers === undefined ? file.servers : splitServers(surroundings.servers),
    identity: surroundings.identity === undefined ? inFolder(file.identity) : resolve(surroundings.identity),
    ...(file.tls?.caFile === undefined ? {} : { tls: { caFile: inFolder(file.tls.caFile) } }),
    ...givenTls(surroundings),
  });
}

function contextPath(
  surroundings: Surroundings,
  isEmbeddedUp: () => boolean,
): { path: string | undefined; hidden: string | undefined } {
  if (surroundings.contextFile !== undefined) return { path: resolve(surroundings.contextFile), hidden: undefined };
  const path = join(configFolder(surroundings), 'context.yaml');
  const hasOwn = existsSync(path);
  // Who says which bus and as whom means that fleet, whatever else is there.
  if (surroundings.servers !== undefined && surroundings.identity !== undefined)
    return { path: hasOwn ? path : undefined, hidden: undefined };
  // Trying things on the wrong fleet is harmless this way round only.
  if (isEmbeddedUp())
    return { path: join(embeddedFolder(surroundings), 'context.yaml'), hidden: hasOwn ? path : undefined };
  if (hasOwn) return { path, hidden: undefined };
  throw new SettingsError('there is no fleet to talk to: no context file, and no embedded fleet is up', {
    code: 'no-context',
    hint: 'Start one to try things with `fleet dev up`, make your own with `fleet init`, or name a context file with --context.',
  });
}

function withoutFile(surroundings: Surroundings): Context {
  const { servers = '', identity = '' } = surroundings;
  return Object.freeze({
    file: undefined,
    hidden: undefined,
    servers: splitServers(servers),
    identity: resolve(identity),
    ...givenTls(surroundings),
    groups: {},
    defaults: {},
  });
}

const givenTls = ({ caFile }: Surroundings): Pick<Context, 'tls'> =>
  caFile === undefined ? {} : { tls: { caFile: resolve(caFile) } };

/** @throws UsageError `bad-server` */
export function splitServers(text: string): string[] {
  return text.split(',').map((server) => {
    const url = toServerUrl(server.trim());
    if (url === undefined)
      throw new UsageError(`"${server.trim()}" is not the address of a bus`, {
        code: 'bad-server',
        hint: 'Write HOST:PORT or tls://HOST:PORT, several with commas; nats://HOST:PORT is one without TLS.',
      });
    return url;
  });
}
