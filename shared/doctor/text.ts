/** A diagnosis as people read it: a line a finding, and at the end the one thing to do first. */
import type { Diagnosis, Finding } from './finding.ts';

export const MARKS: Readonly<Record<Finding['state'], string>> = { ok: 'ok', warning: 'warn', failed: 'FAIL' };
const CHECK_WIDTH = 'permissions'.length;

export function diagnosisLines({ findings }: Diagnosis): string[] {
  return findings.map(
    ({ state, check, detail }) => `${MARKS[state].padEnd(4)}  ${check.padEnd(CHECK_WIDTH)}  ${detail}`,
  );
}

/** What to do first, or that there is nothing to do. */
export function adviceLines({ first }: Diagnosis): string[] {
  if (first === undefined) return ['Nothing is wrong.'];
  const head = first.state === 'failed' ? 'First of all' : 'Before long';
  return [`${head}: ${first.check}: ${first.detail}`, ...(first.mend === undefined ? [] : [`  ${first.mend}`])];
}
