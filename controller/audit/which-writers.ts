/** Whose trails are read: from names of nodes and operators to subjects, so that the bus sends no more than is asked for. */
import { matchesName, namesOf, parseNameSelector } from '../../shared/names/selector.ts';
import type { AuditSource } from './audit-source.ts';

export interface WritersOptions {
  /** Names, globs, folded sets or `/regex/` of nodes. @default all */
  readonly node?: readonly string[] | undefined;
  /** Names of nodes, in place of `node`. */
  readonly nodes?: readonly string[] | undefined;
  /** Names of operators whose own trails are meant. */
  readonly caller?: readonly string[] | undefined;
}

export interface Writers {
  readonly filters: readonly string[];
  readonly isWanted: (subject: string) => boolean;
  /** Names of nodes that were named one by one. */
  readonly named: readonly string[];
}

/** More single subjects than this are read in one go with all others: each costs a round trip. */
const SINGLE_SUBJECTS = 16;

/** @throws UsageError `bad-selector` */
export function whichWriters({ caller, node, nodes }: WritersOptions, source: AuditSource): Writers {
  const all = source.subjects.audits();
  if (node === undefined && nodes === undefined && caller === undefined)
    return { filters: [all], isWanted: () => true, named: [] };
  const selectors = (node ?? []).map(parseNameSelector);
  const named = [...new Set([...(nodes ?? []), ...selectors.flatMap((selector) => namesOf(selector) ?? [])])];
  const matching = [...source.roster.keys()].filter((name) => selectors.some((one) => matchesName(one, name)));
  const subjects = new Set([
    ...[...named, ...matching].map((name) => source.subjectOf('node', name)),
    ...(caller ?? []).map((name) => source.subjectOf('caller', name)),
  ]);
  if (subjects.size <= SINGLE_SUBJECTS) return { filters: [...subjects], isWanted: () => true, named };
  return { filters: [all], isWanted: (subject) => subjects.has(subject), named };
}
