/** Perl: `-v` prints a paragraph, with the version as `v5.36.0` in its first line. */
import type { FactDocument } from '../fact-value.ts';
import { versionFacts, type Runtime } from './runtime.ts';

export function parsePerl(output: string): FactDocument | undefined {
  const version = /^This is perl.*?\bv(\d+\.\d+\.\d+)/m.exec(output)?.[1];
  return version === undefined ? undefined : versionFacts(version);
}

export const perl: Runtime = { fact: 'perl', programs: ['perl'], args: ['-v'], parse: parsePerl };
