/** Decisions of policies in words: the reason of a refusal, for people who want to know what to do next. */
import { describeApprovals } from './explain.ts';
import { JOB_ACTION_WORDS } from './job-actions.ts';
import type { PolicySource, SourcedDecision } from './decide-both.ts';

export interface Asked {
  readonly caller: string;
  readonly roles: readonly string[];
  readonly action: string;
  readonly task?: string | undefined;
}

const POLICY: Readonly<Record<PolicySource, string>> = { fleet: "the fleet's policy", node: "this node's own policy" };

/** As logs have it: `roles.deployer.allow[0]`, and of the node's own policy `node: roles.deployer.deny[0]`. */
export function nameRule({ rule, source }: Pick<SourcedDecision, 'rule' | 'source'>): string {
  return source === 'node' ? `node: ${rule}` : rule;
}

/** `the task deploy` */
export function nameWhat({ action, task }: Pick<Asked, 'action' | 'task'>): string {
  return task === undefined ? `the action ${action}` : `the task ${task}`;
}

/** Why not, as the node says it. */
export function describeRefusal(asked: Asked, decision: SourcedDecision & { readonly allowed: false }): string {
  const { caller } = asked;
  if (decision.why === 'no-policy')
    return 'this node has no policy of the fleet, so nobody may do anything here: store one with `fleet policy push`';
  if (decision.why === 'needs-approval' && decision.approvals !== undefined)
    return `${caller} may run ${nameWhat(asked)} here only with ${describeApprovals(decision.approvals)} (${nameInWords(decision.rule)} of ${POLICY[decision.source]}): send it with --with-approval`;
  const what = JOB_ACTION_WORDS[asked.action] ?? `run ${nameWhat(asked)} here`;
  return `${caller} may not ${what}: ${why(asked, decision)}`;
}

function why({ roles }: Asked, { rule, source, why: refusal }: SourcedDecision & { readonly allowed: false }): string {
  const of = POLICY[source];
  switch (refusal) {
    case 'denied':
      return `${nameInWords(rule)} of ${of} denies it`;
    case 'waits-too-long':
      return `${nameInWords(rule)} of ${of} lets no command wait as long as this one may (--until, --deadline)`;
    case 'cannot-tell':
      return `${nameInWords(rule)} of ${of} can't be decided here`;
    case 'conditions':
      return rule === 'default'
        ? `the conditions of no rule of ${of} hold`
        : `the conditions of ${nameInWords(rule)} of ${of} don't hold`;
    default: {
      const by = source === 'node' ? ` of ${of}` : '';
      return roles.length === 0
        ? `it has no role, and no rule${by} for everybody allows it`
        : `no rule${by} for ${roles.join(', ')} allows it`;
    }
  }
}

/** `rule roles.deployer.allow[0]`, `rule "restart at night"` */
export function nameInWords(rule: string): string {
  return `rule ${/\s/.test(rule) ? JSON.stringify(rule) : rule}`;
}
