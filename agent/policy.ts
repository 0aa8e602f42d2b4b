/**
 * Fourth step: may the caller do this here? Default deny, decided on the node. One readable file: roles, and what each
 * is allowed; the role comes from the caller's credential.
 */
import * as z from 'zod';

/** Names of actions or tasks; `*` allows all, `process.*` all that begin so. */
const Patterns = z.array(z.string().min(1).max(128)).max(256);

export const Policy = z.strictObject({
  version: z.literal(1),
  roles: z.record(
    z.string().min(1).max(64),
    z.strictObject({
      allow: z.array(z.strictObject({ actions: Patterns.optional(), tasks: Patterns.optional() })).max(256),
    }),
  ),
});
export type Policy = z.infer<typeof Policy>;

export interface PolicyRequest {
  readonly roles: readonly string[];
  readonly action: string;
  /** With `task.run`: which one. */
  readonly task?: string | undefined;
}

/** `rule` names the line of the policy that decided, for people and the log. */
export interface Decision {
  readonly allowed: boolean;
  readonly rule: string;
}

/** Running a task needs the task in a rule; running an action needs the action. */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  for (const role of request.roles) {
    const rules = Object.hasOwn(policy.roles, role) ? policy.roles[role] : undefined;
    for (const [index, rule] of (rules?.allow ?? []).entries()) {
      const matches = request.task === undefined ? fits(rule.actions, request.action) : fits(rule.tasks, request.task);
      if (matches) return { allowed: true, rule: `roles.${role}.allow[${index}]` };
    }
  }
  return { allowed: false, rule: 'default' };
}

function fits(patterns: readonly string[] | undefined, name: string): boolean {
  return (
    patterns?.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name)) ??
    false
  );
}
