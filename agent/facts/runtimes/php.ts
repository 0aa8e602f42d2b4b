/** PHP's command line. Without php.ini: extensions are slow to load, and their warnings come before the version. */
import type { FactDocument } from '../fact-value.ts';
import { versionFacts, type Runtime } from './runtime.ts';

export function parsePhp(output: string): FactDocument | undefined {
  const [, version, packaging] = /^PHP (\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)(\S*) /m.exec(output) ?? [];
  if (version === undefined) return undefined;
  return { ...versionFacts(version), ...(packaging ? { build: `${version}${packaging}` } : {}) };
}

export const php: Runtime = { fact: 'php', programs: ['php'], args: ['-n', '-v'], parse: parsePhp };
