/** An expression as plain data that two tests can compare: no columns, no compiled patterns. */
import type { Expression } from '../../../shared/where/expression.ts';

export function withoutColumns(expression: Expression): unknown {
  const text = JSON.stringify(expression, (key, value: unknown) => {
    if (key === 'column' || key === 'compiled') return undefined;
    return typeof value === 'bigint' ? `${value}n` : value;
  });
  return JSON.parse(text) as unknown;
}
