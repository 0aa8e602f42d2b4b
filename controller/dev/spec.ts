/** What an embedded fleet is to consist of: a YAML file, checked, with absolute paths. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { SettingsError } from '../../shared/errors.ts';
import { parseNodeName } from '../../shared/names/node-name.ts';
import { readSettings } from '../../shared/settings-file.ts';

/** More would be an emulation, not a fleet to try things on. */
const MAX_NODES = 100;
const MAX_PROCESSES = 20;

const NodeSpec = z.strictObject({
  facts: z.record(z.string(), z.unknown()).default({}),
  trusted: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** Folders of task files, relative to the spec; copied, later ones over earlier ones. */
  tasks: z.union([z.string(), z.array(z.string())]).default([]),
  /** Name of a process to how many of it. */
  processes: z
    .record(
      z.string().regex(/^[A-Za-z0-9._-]{1,15}$/, 'a process is named with at most 15 letters, digits, . _ -'),
      z.number().int().min(1).max(MAX_PROCESSES),
    )
    .default({}),
});

const SpecFile = z.strictObject({
  nodes: z.record(z.string(), NodeSpec.nullable()).refine((nodes) => {
    const count = Object.keys(nodes).length;
    return count > 0 && count <= MAX_NODES;
  }, `expected 1 to ${MAX_NODES} nodes`),
});

export interface EmbeddedNode {
  readonly name: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly trusted: Readonly<Record<string, string | number | boolean>>;
  /** Existing folders. */
  readonly tasks: readonly string[];
  readonly processes: Readonly<Record<string, number>>;
}

/** @throws SettingsError UsageError */
export async function readSpec(path: string): Promise<EmbeddedNode[]> {
  const { nodes } = await readSettings(path, 'fleet specification', SpecFile);
  return Object.entries(nodes).map(([name, spec]) => {
    const { facts, trusted, tasks, processes } = spec ?? NodeSpec.parse({});
    const folders = (typeof tasks === 'string' ? [tasks] : tasks).map((folder) => resolve(dirname(path), folder));
    const missing = folders.find((folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true);
    if (missing !== undefined)
      throw new SettingsError(
        `fleet specification ${path}: ${name} takes its tasks from ${missing}, which isn't a folder`,
        {
          code: 'settings-invalid',
          hint: 'Folders are relative to the specification.',
        },
      );
    return { name: parseNodeName(name), facts, trusted, tasks: folders, processes };
  });
}
