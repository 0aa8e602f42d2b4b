/** Which records are meant: what `fleet audit search` takes, compiled once. */
import { parseNameSelector, matchesName } from '../../shared/names/selector.ts';
import { compileGlob, hasWildcard, matchGlob } from '../../shared/where/glob.ts';
import type { PlainRecord } from './plain-record.ts';

export interface RecordFilterOptions {
  /** Names, globs, sets or `/regex/` of operators: who asked. */
  readonly caller?: readonly string[] | undefined;
  /** Names or globs of actions and tasks. */
  readonly action?: readonly string[] | undefined;
  readonly event?: readonly string[] | undefined;
  readonly job?: string | undefined;
  readonly decision?: 'allowed' | 'refused' | undefined;
  /** Milliseconds since the epoch; both ends included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Names of the writers. @default any */
  readonly isWriter?: ((name: string) => boolean) | undefined;
}

/** @throws UsageError `bad-selector` */
export function compileFilter(options: RecordFilterOptions): (record: PlainRecord) => boolean {
  const { decision, event, from = -Infinity, isWriter, job, to = Infinity } = options;
  const callers = options.caller?.map(parseNameSelector);
  const actions = options.action?.map(compileName);
  return (record) => {
    const at = Date.parse(record.at);
    if (at < from || at > to) return false;
    if (job !== undefined && record.job !== job) return false;
    if (decision !== undefined && record.decision !== decision) return false;
    if (event !== undefined && !event.includes(record.event)) return false;
    if (isWriter !== undefined && !isWriter(record.writer)) return false;
    const { action, caller, task } = record;
    if (callers !== undefined && (caller === null || !callers.some((selector) => matchesName(selector, caller))))
      return false;
    return (
      actions === undefined ||
      actions.some((fits) => (action !== null && fits(action)) || (task !== null && fits(task)))
    );
  };
}

function compileName(text: string): (name: string) => boolean {
  if (!hasWildcard(text)) return (name) => name === text;
  const glob = compileGlob(text);
  return (name) => matchGlob(glob, name);
}
