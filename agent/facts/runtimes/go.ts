/** The Go tool chain; programs built with it carry their own. */
import type { FactDocument } from '../fact-value.ts';
import { versionFacts, type Runtime } from './runtime.ts';

export function parseGo(output: string): FactDocument | undefined {
  const version = /^go version (?:devel )?go(\d+\.\d+(?:\.\d+)?(?:(?:beta|rc)\d+)?\S*)/m.exec(output)?.[1];
  return version === undefined ? undefined : versionFacts(version);
}

export const go: Runtime = { fact: 'go', programs: ['go'], args: ['version'], parse: parseGo };
