/** What becomes different with another policy, role by role: for people who are about to store it. */
import type { TravellingPolicy } from '../../shared/policy/policy.ts';
import { canonicalText } from '../aggregate/canonical.ts';

export interface RoleChange {
  readonly role: string;
  readonly change: 'new' | 'gone' | 'changed';
  /** Rules as one line each, with `+` where it comes and `-` where it goes. */
  readonly lines: readonly string[];
}

type Rules = TravellingPolicy['roles'][string];

/** In order of name; roles that stay as they are aren't there. */
export function changesBetween(before: TravellingPolicy | undefined, after: TravellingPolicy): RoleChange[] {
  const [old, now] = [before?.roles ?? {}, after.roles];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].sort().flatMap((role): RoleChange[] => {
    const lines = linesBetween(old[role], now[role]);
    if (old[role] === undefined) return [{ role, change: 'new', lines }];
    if (now[role] === undefined) return [{ role, change: 'gone', lines }];
    return lines.length === 0 ? [] : [{ role, change: 'changed', lines }];
  });
}

function linesBetween(before: Rules | undefined, after: Rules | undefined): string[] {
  const [old, now] = [rulesOf(before), rulesOf(after)];
  const gone = without(old, now).map((rule) => `- ${rule}`);
  const come = without(now, old).map((rule) => `+ ${rule}`);
  return [...gone, ...come];
}

/** Each as many times more as it's more often in the first. */
function without(rules: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return rules.filter((rule) => {
    const at = left.indexOf(rule);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function rulesOf(rules: Rules | undefined): string[] {
  return (['deny', 'allow'] as const).flatMap((effect) =>
    (rules?.[effect] ?? []).map((rule) => `${effect} ${describeRule(rule)}`),
  );
}

/** `tasks: deploy; where: role=web; time: {…}` */
function describeRule(rule: Readonly<Record<string, unknown>>): string {
  return Object.entries(rule)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${describeValue(value)}`)
    .join('; ');
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ');
  return canonicalText(value);
}
