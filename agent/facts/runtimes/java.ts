/** Java, which says its version on standard error. Up to 8 the patch level is the number of the update: `1.8.0_392`. */
import type { FactDocument } from '../fact-value.ts';
import { versionFacts, type Runtime } from './runtime.ts';

export function parseJava(output: string): FactDocument | undefined {
  const version = /^\S+ version "(\d[^"]*)"/m.exec(output)?.[1];
  if (version === undefined) return undefined;
  const update = /^1\.\d+\.\d+_(\d+)/.exec(version)?.[1];
  const build = /Runtime Environment.*\(build ([^)]+)\)/.exec(output)?.[1];
  return {
    ...versionFacts(version),
    ...(update === undefined ? {} : { patchlevel: Number(update) }),
    ...(build === undefined ? {} : { build }),
  };
}

export const java: Runtime = { fact: 'java', programs: ['java'], args: ['-version'], parse: parseJava };
