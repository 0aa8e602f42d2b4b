/**
 * The text of a policy, as people write it: YAML in, the policy or what is wrong with it, line by line. Strict: what it
 * doesn't know is a mistake here.
 */
import type * as z from 'zod';
import { ACTIONS } from '../actions/all.ts';
import { LIMITS } from '../limits.ts';
import { nearestNames } from '../names/nearest.ts';
import { JOB_ACTIONS } from './job-actions.ts';
import { compilePolicy, type CompiledPolicy } from './compile.ts';
import { Policy } from './policy.ts';
import { createLocator, type Locator, type Position } from './yaml-position.ts';

/** 1-based; where the file as a whole is meant, 1 and 1. */
export interface PolicyProblem extends Position {
  readonly message: string;
}

export type ReadPolicy =
  | {
      readonly policy: Policy;
      readonly compiled: CompiledPolicy;
      readonly problems: readonly [];
      /** What holds, and is probably not meant. */
      readonly warnings: readonly PolicyProblem[];
    }
  | { readonly policy?: undefined; readonly problems: readonly PolicyProblem[] };

/** In the order of the text. Loads the YAML library: once, on demand. */
export async function readPolicy(text: string): Promise<ReadPolicy> {
  const start = { line: 1, column: 1 };
  if (Buffer.byteLength(text) > LIMITS.policyBytes)
    return { problems: [{ ...start, message: `a policy has at most ${LIMITS.policyBytes} bytes` }] };
  const located = await createLocator(text);
  if (located.problems.length > 0) return { problems: located.problems };
  const parsed = Policy.safeParse(located.content);
  if (!parsed.success) return { problems: inOrder(parsed.error.issues.flatMap((issue) => readIssue(issue, located))) };
  const problems: PolicyProblem[] = [];
  const compiled = compilePolicy(parsed.data, ({ path, message, column }) =>
    problems.push({ ...located.find(path, column), message: `${pathText(path)}: ${message}` }),
  );
  if (problems.length > 0) return { problems: inOrder(problems) };
  return { policy: parsed.data, compiled, problems: [], warnings: warningsOf(parsed.data, located) };
}

/** Of several shapes that a value may have, what is wrong with the one it looks like. */
function readIssue(issue: z.core.$ZodIssue, located: Locator, before: readonly PropertyKey[] = []): PolicyProblem[] {
  const path = [...before, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const [nearest] = nearestNames(key, KNOWN_KEYS, 1);
      const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
      const where = path.length === 0 ? '' : `${pathText(path)}: `;
      return { ...located.findKey([...path, key]), message: `${where}there is no "${key}" here${hint}` };
    });
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined) return readIssue(deepest, located, path);
  }
  const message = (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
  return [{ ...located.find(path), message: path.length === 0 ? message : `${pathText(path)}: ${message}` }];
}

const KNOWN_KEYS = [
  'version', 'roles', 'allow', 'deny', 'name', 'actions', 'tasks', 'args', 'where', 'caller', 'time', 'approvals', 'days', 'from',
  'to', 'zone', 'count', 'within', 'until',
]; // prettier-ignore

/** What one does about jobs, too: it runs nothing, and is allowed and denied as actions are. */
const KNOWN_ACTIONS: ReadonlySet<string> = new Set([...ACTIONS.keys(), ...Object.values(JOB_ACTIONS)]);

/** Later versions have other actions, so a name that isn't known here is no mistake for sure. */
function warningsOf(policy: Policy, located: Locator): PolicyProblem[] {
  const warnings: PolicyProblem[] = [];
  for (const [role, rules] of Object.entries(policy.roles))
    for (const effect of ['allow', 'deny'] as const)
      for (const [index, { actions = [] }] of (rules[effect] ?? []).entries())
        for (const [at, action] of actions.entries()) {
          const path = ['roles', role, effect, index, 'actions', at];
          const warn = (message: string): void =>
            void warnings.push({ ...located.find(path), message: `${pathText(path)}: ${message}` });
          if (action === 'task.run' && effect === 'allow') warn('tasks are allowed by their names, under "tasks"');
          else if (!action.endsWith('*') && !KNOWN_ACTIONS.has(action)) {
            const [nearest] = nearestNames(action, KNOWN_ACTIONS, 1);
            warn(`this version knows no action ${action}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
          }
        }
  return inOrder(warnings);
}

/** `roles.deployer.allow[2].time` */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

const inOrder = (problems: PolicyProblem[]): PolicyProblem[] =>
  problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
