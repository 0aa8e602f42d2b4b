/** What a record of the audit trail says, in the words of a table. */
import type { PlainRecord } from '../audit/plain-record.ts';
import type { Cell } from './columns.ts';
import { momentText } from './durations.ts';
import type { Look } from './look.ts';
import { visibleLine } from './visible.ts';

export const RECORD_TITLES = ['TIME', 'WRITTEN BY', 'WHAT', 'BY', 'ACTION', 'HOW', 'RULE OR JOB'] as const;

export function recordRow(record: PlainRecord, { paint }: Look): Cell[] {
  const { action, at, caller, event, kind, rule, task, verified, writer } = record;
  const who = kind === 'caller' ? `${writer} (asking)` : writer;
  const how = howOf(record);
  return [
    momentText(at),
    visibleLine(verified ? who : `${who} (not verified)`),
    visibleLine(event),
    visibleLine(caller ?? ''),
    visibleLine(task ?? action ?? ''),
    { text: visibleLine(how), paint: isBad(record) ? paint.bad : (text) => text },
    visibleLine(rule ?? wordsOf(record)),
  ];
}

/** How it was decided, and how it ended. */
function howOf({ code, decision, exit, kind, state, states }: PlainRecord): string {
  if (decision === 'refused') return `refused${code === null ? '' : `: ${code}`}`;
  if (states !== null) return statesText(states, exit);
  if (state === null) return code ?? decision ?? '';
  const detail = [...(code === null ? [] : [code]), ...(exit === null || kind === 'caller' ? [] : [`exit ${exit}`])];
  return detail.length === 0 ? state : `${state} (${detail.join(', ')})`;
}

export function statesText(states: Readonly<Record<string, number>>, exit: number | null): string {
  const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  return `${counts.length === 0 ? 'nobody answered' : counts.join(', ')}${exit === null ? '' : `, exit ${exit}`}`;
}

const isBad = ({ decision, state }: PlainRecord): boolean =>
  decision === 'refused' || (state !== null && state !== 'ok' && state !== 'unmatched');

/** What else there is to say; where that is nothing, the id to go on with. */
function wordsOf({ details, job, times }: PlainRecord): string {
  const pairs = typeof details === 'object' && details !== null ? Object.entries(details) : [];
  const words = pairs.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [...(times === null ? [] : [`${times} times`]), ...words].join(' ') || (job ?? '');
}
