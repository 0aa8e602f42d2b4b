/**
 * A policy made ready: expressions parsed, windows read, patterns in sets, once for many commands. Never fails as a
 * whole: what this version can't read of a rule makes that rule undecidable, so that it never allows and always denies.
 */
import { FleetError } from '../errors.ts';
import type { Expression } from '../where/expression.ts';
import { parseWhere } from '../where/parse.ts';
import { TextSyntaxError } from '../where/syntax-error.ts';
import { pathsOf } from '../where/terms.ts';
import { readText } from '../where/values.ts';
import { isJobAction } from './job-actions.ts';
import { AllowRule, DenyRule, EVERYBODY, type Approvals, type TravellingPolicy } from './policy.ts';
import { compileWindow, type CompiledWindow } from './time-window.ts';

/** What an expression is about. */
export const DOCUMENTS = ['args', 'where', 'caller'] as const;
export type DocumentKind = (typeof DOCUMENTS)[number];

export type Condition =
  | {
      readonly kind: DocumentKind;
      readonly text: string;
      readonly expression: Expression;
      readonly paths: readonly string[];
    }
  | { readonly kind: 'time'; readonly window: CompiledWindow }
  /** How long the command may be good for. */
  | { readonly kind: 'until'; readonly text: string; readonly longestMs: number }
  | { readonly kind: 'unreadable'; readonly text: string; readonly problem: string };

export interface CompiledApprovals {
  readonly count: number;
  readonly roles: readonly string[];
  /** Milliseconds; undefined for as long as the command lives. */
  readonly withinMs: number | undefined;
}

export interface CompiledRule {
  /** `roles.deployer.allow[2]` */
  readonly id: string;
  /** The rule's name, or its id. */
  readonly label: string;
  readonly role: string;
  readonly effect: 'allow' | 'deny';
  readonly fitsAction: (name: string) => boolean;
  readonly fitsTask: (name: string) => boolean;
  readonly conditions: readonly Condition[];
  readonly approvals: CompiledApprovals | undefined;
}

export interface CompiledRole {
  readonly allow: readonly CompiledRule[];
  readonly deny: readonly CompiledRule[];
}

export interface CompiledPolicy {
  readonly roles: ReadonlyMap<string, CompiledRole>;
}

/** Something in a rule that can't be read here. */
export interface CompileProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Where in the text of an expression, 1-based. */
  readonly column?: number | undefined;
}

/** @param onProblem told of each thing that can't be read */
export function compilePolicy(
  policy: TravellingPolicy,
  onProblem: (problem: CompileProblem) => void = () => undefined,
): CompiledPolicy {
  const roles = new Map<string, CompiledRole>();
  for (const [role, { allow = [], deny = [] }] of Object.entries(policy.roles)) {
    const compile = (effect: 'allow' | 'deny') => (rule: Readonly<Record<string, unknown>>, index: number) =>
      compileRule(rule, { role, effect, index }, onProblem);
    roles.set(role, { allow: allow.map(compile('allow')), deny: deny.map(compile('deny')) });
  }
  return { roles };
}

interface Place {
  readonly role: string;
  readonly effect: 'allow' | 'deny';
  readonly index: number;
}

function compileRule(
  source: Readonly<Record<string, unknown>>,
  { role, effect, index }: Place,
  onProblem: (problem: CompileProblem) => void,
): CompiledRule {
  const id = `roles.${role}.${effect}[${index}]`;
  const path = ['roles', role, effect, index];
  const read = (effect === 'allow' ? AllowRule : DenyRule).safeParse(source);
  if (!read.success) {
    const [issue] = read.error.issues;
    const problem = issue?.message ?? 'not a rule';
    onProblem({ path: [...path, ...((issue?.path ?? []) as (string | number)[])], message: problem });
    return unreadableRule(source, { id, role, effect, problem });
  }
  const rule: AllowRule = read.data;
  const conditions: Condition[] = [];
  for (const kind of DOCUMENTS) {
    const text = rule[kind];
    if (text === undefined) continue;
    try {
      const expression = parseWhere(text);
      conditions.push({ kind, text, expression, paths: pathsOf(expression) });
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      const [message, column] = error instanceof TextSyntaxError ? [error.expected, error.column] : [error.message];
      onProblem({ path: [...path, kind], message, column });
      conditions.push({ kind: 'unreadable', text: `${kind}: ${text}`, problem: error.message });
    }
  }
  if (role === EVERYBODY && rule.approvals !== undefined && rule.approvals.roles === undefined)
    onProblem({ path: [...path, 'approvals'], message: 'a rule for everybody has to say which roles may approve' });
  if (rule.until !== undefined)
    conditions.push({ kind: 'until', text: rule.until, longestMs: readDuration(rule.until) ?? 0 });
  if (rule.time !== undefined) conditions.push(compileTime(rule.time, [...path, 'time'], onProblem));
  return {
    id,
    label: rule.name ?? id,
    role,
    effect,
    fitsAction: matcherOf(rule.actions),
    fitsTask: matcherOf(rule.tasks),
    conditions,
    approvals: compileApprovals(rule.approvals, role),
  };
}

/** For what it says it is for, where that can be read; else a denial is for everything, and an allowance for nothing. */
function unreadableRule(
  source: Readonly<Record<string, unknown>>,
  { id, role, effect, problem }: Pick<CompiledRule, 'id' | 'role' | 'effect'> & { problem: string },
): CompiledRule {
  const { actions, tasks } = source;
  const said = DenyRule.safeParse({
    ...(actions === undefined ? {} : { actions }),
    ...(tasks === undefined ? {} : { tasks }),
  });
  const everything = (): boolean => effect === 'deny';
  return {
    id,
    label: id,
    role,
    effect,
    fitsAction: said.success ? matcherOf(said.data.actions) : everything,
    fitsTask: said.success ? matcherOf(said.data.tasks) : everything,
    conditions: [{ kind: 'unreadable', text: 'the whole rule', problem }],
    approvals: undefined,
  };
}

function compileTime(
  time: NonNullable<AllowRule['time']>,
  path: CompileProblem['path'],
  onProblem: (problem: CompileProblem) => void,
): Condition {
  try {
    return { kind: 'time', window: compileWindow(time) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `there is no time zone ${String(time.zone)}; write it as in Europe/Berlin, or UTC`;
    onProblem({ path: [...path, 'zone'], message });
    return { kind: 'unreadable', text: 'time', problem: message };
  }
}

function compileApprovals(approvals: Approvals | undefined, role: string): CompiledApprovals | undefined {
  if (approvals === undefined) return undefined;
  const { count, roles = [role], within } = approvals;
  return { count, roles, withinMs: within === undefined ? undefined : readDuration(within) };
}

function readDuration(text: string): number | undefined {
  const reading = readText(text);
  return reading?.kind === 'duration' ? reading.value * 1000 : undefined;
}

function matcherOf(patterns: readonly string[] | undefined): (name: string) => boolean {
  if (patterns === undefined) return () => false;
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  // `*` is every action, and what one does about jobs is none.
  const fits = (name: string) => (beginning: string) =>
    name.startsWith(beginning) && (beginning !== '' || !isJobAction(name));
  return (name) => exact.has(name) || beginnings.some(fits(name));
}
