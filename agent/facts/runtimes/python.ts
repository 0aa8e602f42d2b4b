/** Python: the third if there is one. Python 2 says its version on standard error. */
import type { FactDocument } from '../fact-value.ts';
import { versionFacts, type Runtime } from './runtime.ts';

export function parsePython(output: string): FactDocument | undefined {
  const version = /^Python (\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)/m.exec(output)?.[1];
  if (version === undefined) return undefined;
  return { ...versionFacts(version), implementation: /^\[PyPy /m.test(output) ? 'pypy' : 'cpython' };
}

export const python: Runtime = {
  fact: 'python',
  programs: ['python3', 'python', 'python2'],
  args: ['--version'],
  parse: parsePython,
};
