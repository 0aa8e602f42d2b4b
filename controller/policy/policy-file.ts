/** A policy in a file, or on standard input, as a person keeps it. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../../shared/errors.ts';
import type { CompiledPolicy } from '../../shared/policy/compile.ts';
import type { Policy } from '../../shared/policy/policy.ts';
import { readPolicy, type PolicyProblem } from '../../shared/policy/read-policy.ts';
import type { App } from '../app.ts';
import { readStdin } from '../read-stdin.ts';

export interface PolicyFile {
  readonly policy: Policy;
  readonly compiled: CompiledPolicy;
  readonly source: string;
  readonly warnings: readonly PolicyProblem[];
}

/** @throws UsageError `bad-policy` when it can't be read */
export async function readPolicyText(file: string, app: Pick<App, 'stdin' | 'interrupt'>): Promise<string> {
  if (file === '-') return readStdin(app);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`the policy ${file} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, {
      code: 'bad-policy',
      cause,
    });
  }
}

/** @throws UsageError `bad-policy` that names the first mistake, and how many more there are */
export async function readPolicyFile(file: string, app: Pick<App, 'stdin' | 'interrupt'>): Promise<PolicyFile> {
  const source = await readPolicyText(file, app);
  const read = await readPolicy(source);
  if (read.policy !== undefined) return { ...read, source };
  const [first, ...others] = read.problems;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  throw new UsageError(`${placeOf(file, first)}: ${first?.message ?? ''}${more}`, {
    code: 'bad-policy',
    hint: `\`fleet policy check ${file}\` says everything that is wrong; docs/policy.md has the format.`,
  });
}

/** `policy.yaml:6:9`, as compilers write it. */
export function placeOf(file: string, at: Pick<PolicyProblem, 'line' | 'column'> | undefined): string {
  const name = file === '-' ? 'standard input' : file;
  return at === undefined ? name : `${name}:${at.line}:${at.column}`;
}
