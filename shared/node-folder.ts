/**
 * The folder of a node, but for its identity: settings of its agent, places for tasks and facts, and
 * the mark that it has nothing to remember yet. `fleet ca issue node` makes it to be copied, `fleet-agent join` where it's
 * used. What is there already stays as it is.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const IDENTITY_FILE = 'identity.json';
/** Relative to the folder. */
const CA_FILE = 'ca.pem';

export interface NodeSettings {
  readonly servers: readonly string[];
  /** With certificates (PEM) that the bus's own has to come from, or without: then those that the system trusts. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  readonly jsDomain?: string | undefined;
  /** More lines for the agent's configuration. */
  readonly more?: Readonly<Record<string, unknown>> | undefined;
}

/** @returns names of the files that were there and stay as they were. @throws what the file system throws */
export function writeNodeFolder(folder: string, { servers, tls, jsDomain, more }: NodeSettings): string[] {
  for (const part of ['', 'tasks.d', 'facts.d', 'state'])
    mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
  // It was checked by who calls this, unlike one that somebody left here.
  if (tls?.ca !== undefined) writeFileSync(join(folder, CA_FILE), tls.ca, { mode: 0o600 });
  const settings = {
    servers,
    ...(tls === undefined ? {} : { tls: tls.ca === undefined ? {} : { caFile: CA_FILE } }),
    ...(jsDomain === undefined ? {} : { jsDomain }),
    ...more,
  };
  const files: Readonly<Record<string, string>> = {
    'agent.yaml': settingsText(settings),
    // The agent's replay memory starts empty exactly once: see agent/replay/.
    'state/fresh': '',
  };
  return Object.entries(files).flatMap(([name, text]) => {
    const path = join(folder, name);
    if (existsSync(path)) return [name];
    writeFileSync(path, text, { mode: 0o600 });
    return [];
  });
}

/** A line for each setting, so that one more can be added below. */
function settingsText(settings: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return ['# Settings of this agent. More of them: facts: {role: web}, tasksDir, logLevel, …', ...lines, ''].join('\n');
}
