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
import type { SecretValues } from '../shared/wire/sealed-arguments.ts';
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
  /** What came sealed. */
  readonly secrets?: SecretValues | undefined;
  /** The node's clock, in milliseconds since the epoch. */
  readonly now: number;
}

/** @throws RefusedError `not-authorized`, `needs-approval`, and what the action's own checks of its arguments refuse */
export async function authorizeConditions(
  verified: VerifiedCommand,
  candidates: BothCandidates,
  { action, input, secrets = {}, now }: AskedFor,
  dependencies: AuthorizeDependencies,
): Promise<Permission> {
  const rules = rulesOf(candidates);
  const facts = asks(rules, 'where') ? await factsFor(rules, dependencies) : undefined;
  const circumstances: Circumstances = {
    args: asks(rules, 'args') ? await argsOf(action, input, secrets) : undefined,
    facts,
    isUndecided: (path) =>
      dependencies.facts.mayLack?.(path.text) === true && findValues(facts ?? {}, path).length === 0,
    caller: callerOf(verified),
    now,
    issued: verified.command.issued,
    approvers: rules.some(({ approvals }) => approvals !== undefined)
      ? await findApprovers(verified, dependencies)
      : [],
  };
  const decision = decideBothAmong(candidates, circumstances);
  if (decision.allowed) return permission(verified, nameRule(decision));
  throw refuse(verified, refuseByPolicy(askedBy(verified), decision), nameRule(decision), dependencies.log);
}

function rulesOf(candidates: BothCandidates): readonly CompiledRule[] {
  if (areUnconditional(candidates)) return [];
  const { fleet, node } = candidates;
  return [...fleet.deny, ...fleet.allow, ...(node?.deny ?? []), ...(node?.allow ?? [])];
}

const asks = (rules: readonly CompiledRule[], kind: DocumentKind): boolean =>
  rules.some(({ conditions }) => conditions.some((condition) => condition.kind === kind));

async function argsOf(action: RunnableAction, input: unknown, secrets: SecretValues): Promise<Facts> {
  if (action.conditionArgs !== undefined) return action.conditionArgs(input, secrets);
  const args = input as Facts;
  const { sealable } = action.definition;
  if (sealable === undefined || Object.keys(secrets).length === 0) return args;
  return { ...args, [sealable]: { ...(args[sealable] as object | undefined), ...secrets } };
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
