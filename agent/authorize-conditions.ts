/**
 * Fourth step, continued once the input is valid: the conditions of the rules that the first look left. Looks up what
 * they ask about, and nothing else: arguments as the action understands them, the node's live facts, other signatures.
 */
import { FleetError } from '../shared/errors.ts';
import type { Circumstances } from '../shared/policy/circumstances.ts';
import type { CompiledRule, DocumentKind } from '../shared/policy/compile.ts';
import { areUnconditional, decideBothAmong, type BothCandidates } from '../shared/policy/decide-both.ts';
import { nameRule } from '../shared/policy/words.ts';
import { findValues, type Facts } from '../shared/where/find.ts';
import { literalPath, mayOverlap } from '../shared/where/paths.ts';
import type { RunnableAction } from './actions/action.ts';
import { withName } from './addressed.ts';
import { findApprovers } from './approvers.ts';
import { askedBy, permission, refuse, type AuthorizeDependencies, type Permission } from './authorize.ts';
import { refuseByPolicy } from './refusals.ts';
import type { VerifiedCommand } from './verify.ts';

export interface AskedFor {
  readonly action: RunnableAction;
  /** Valid. */
  readonly input: unknown;
  /** The node's clock, in milliseconds since the epoch. */
  readonly now: number;
}

/** @throws RefusedError `not-authorized`, `needs-approval`, and what the action's own checks of its arguments refuse */
export async function authorizeConditions(
  verified: VerifiedCommand,
  candidates: BothCandidates,
  { action, input, now }: AskedFor,
  dependencies: AuthorizeDependencies,
): Promise<Permission> {
  const sealedNames = verified.command.sealed?.names ?? [];
  const args = (): Promise<Facts> => argsOf(action, input, sealedNames);
  const isSealed = sealedIn(action, sealedNames);
  const circumstances = await circumstancesOf(verified, candidates, { now, args, isSealed }, dependencies);
  const decision = decideBothAmong(candidates, circumstances);
  if (decision.allowed) return permission(verified, nameRule(decision));
  throw refuse(verified, refuseByPolicy(askedBy(verified), decision), nameRule(decision), dependencies.log);
}

/** What conditions of a policy look at, beside who asks. */
export interface LookedAt {
  readonly now: number;
  /** Called where a rule asks for it. */
  readonly args: () => Facts | Promise<Facts>;
  readonly isSealed?: Circumstances['isSealed'];
}

/** Looks up what these rules ask for, and nothing else. */
export async function circumstancesOf(
  verified: VerifiedCommand,
  candidates: BothCandidates,
  { now, args, isSealed }: LookedAt,
  dependencies: AuthorizeDependencies,
): Promise<Circumstances> {
  const rules = rulesOf(candidates);
  const facts = asks(rules, 'where') ? await factsFor(rules, dependencies) : undefined;
  return {
    args: asks(rules, 'args') ? await args() : undefined,
    isSealed,
    facts,
    isUndecided: (path) =>
      dependencies.facts.mayLack?.(path.text) === true && findValues(facts ?? {}, path).length === 0,
    caller: callerOf(verified),
    now,
    issued: verified.command.issued,
    lifeMs: verified.command.expires - verified.command.issued,
    approvers: rules.some(({ approvals }) => approvals !== undefined)
      ? await findApprovers(verified, dependencies)
      : [],
  };
}

function rulesOf(candidates: BothCandidates): readonly CompiledRule[] {
  if (areUnconditional(candidates)) return [];
  const { fleet, node } = candidates;
  return [...fleet.deny, ...fleet.allow, ...(node?.deny ?? []), ...(node?.allow ?? [])];
}

const asks = (rules: readonly CompiledRule[], kind: DocumentKind): boolean =>
  rules.some(({ conditions }) => conditions.some((condition) => condition.kind === kind));

async function argsOf(action: RunnableAction, input: unknown, sealedNames: readonly string[]): Promise<Facts> {
  return action.conditionArgs === undefined ? (input as Facts) : action.conditionArgs(input, sealedNames);
}

/** Where conditions would look for what came sealed: a task's parameters stand at the top. */
function sealedIn(action: RunnableAction, names: readonly string[]): Circumstances['isSealed'] {
  const { sealable } = action.definition;
  if (names.length === 0 || sealable === undefined) return undefined;
  const before = action.conditionArgs === undefined ? [sealable] : [];
  const sealed = names.map((name) => literalPath([...before, name]));
  return (path) => sealed.some((one) => mayOverlap(one, path));
}

/** Undefined where they can't be looked up: then what asks for them isn't decided. */
async function factsFor(
  rules: readonly CompiledRule[],
  { node, facts, log }: AuthorizeDependencies,
): Promise<Facts | undefined> {
  const paths = rules.flatMap(({ conditions }) =>
    conditions.flatMap((condition) => (condition.kind === 'where' ? condition.paths : [])),
  );
  try {
    return withName(await facts.live(paths), node);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    log.error({ err: error }, 'facts for a policy could not be looked up');
    return undefined;
  }
}

function callerOf({ caller: { credential } }: VerifiedCommand): Facts {
  const { name, kind, roles, serial } = credential.body;
  return { name, kind, roles, serial, issuer: credential.issuer?.body.name ?? 'root' };
}
