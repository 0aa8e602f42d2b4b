/** Node.js as installed for the machine, which need not be the one that runs the agent. */
import type { FactDocument } from '../fact-value.ts';
import { versionFacts, type Runtime } from './runtime.ts';

export function parseNode(output: string): FactDocument | undefined {
  const version = /^v(\d+\.\d+\.\d+\S*)$/m.exec(output)?.[1];
  return version === undefined ? undefined : versionFacts(version);
}

/** Debian called it `nodejs` for years. */
export const node: Runtime = { fact: 'node', programs: ['node', 'nodejs'], args: ['--version'], parse: parseNode };
