/** An explanation as a report: the verdict, then each rule that speaks of the request, condition by condition. */
import type { ExplainedCondition, ExplainedRule, Explanation } from '../../shared/policy/explain.ts';
import { valueText } from '../render/values.ts';
import type { ListReport } from '../report.ts';

export function testReport(
  { decision, rules }: Explanation,
  { words, exit }: { words: string; exit: number },
): ListReport {
  return {
    version: 1,
    command: 'policy test',
    exit,
    list: 'rules',
    one: 'rule',
    items: rules.map((rule) => ({ ...rule })),
    fields: ['id', 'name', 'effect', 'holds'],
    table: [],
    lines: [words, ...rules.flatMap(ruleLines)],
    more: {
      allowed: decision.allowed,
      rule: decision.rule,
      why: decision.allowed ? null : decision.why,
      reason: words,
    },
  };
}

function ruleLines({ id, name, effect, holds, conditions }: ExplainedRule): string[] {
  const label = name === id ? id : `${id} (${name})`;
  const verdict =
    holds === null ? "can't be told" : holds ? `${effect === 'allow' ? 'allows' : 'denies'} it` : "doesn't hold";
  return ['', `${label}: ${verdict}`, ...conditions.flatMap(conditionLines)];
}

function conditionLines({ kind, text, holds, predicates, note }: ExplainedCondition): string[] {
  const verdict = holds === null ? 'unknown' : String(holds);
  const about = note === undefined ? '' : `; ${note}`;
  const [only, ...others] = predicates;
  if (only !== undefined && others.length === 0) return [`  ${kind}: ${text}  ${verdict}; ${foundText(only.found)}`];
  return [
    `  ${kind}: ${text}  ${verdict}${about}`,
    ...predicates.map(
      ({ text: predicate, holds: held, found }) => `    ${predicate}  ${String(held)}; ${foundText(found)}`,
    ),
  ];
}

const foundText = (found: readonly unknown[]): string =>
  found.length === 0 ? 'it is not there' : `it is ${found.map(valueText).join(', ')}`;
