/** Nodes, and what waits in their queues, in words. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { Report } from '../report.ts';
import { momentText } from './durations.ts';
import { nodeNames } from './node-names.ts';

type Queued = NonNullable<Report['queued']>;

/** Names shown of many; all are in the documents. */
const NAMES_CHARACTERS = 120;

export const queuedOf = (nodes: readonly string[], until: number): Queued => ({
  until: new Date(until).toISOString(),
  nodes: nodes.toSorted(compareNatural),
});

/**
 * `It was in the queue of db3 until 2026-11-22 19:40:00 UTC: expired, unless that node began it by then and says so by … UTC:`
 *
 * @param overAt when nothing of it can run any more; undefined where only the nodes know
 */
export const timeIsOverText = ({ nodes, until }: Queued, overAt: number | undefined): string => {
  const who = nodes.length === 1 ? 'that node' : 'they';
  const by = overAt === undefined ? '' : ` by ${momentText(new Date(overAt).toISOString())} UTC`;
  return `It was in the queue of ${nodeNames(nodes, NAMES_CHARACTERS)} until ${momentText(until)} UTC: expired, unless ${who} began it by then and ${nodes.length === 1 ? 'says' : 'say'} so${by}:`;
};

/** `In the queue of db3, web[1-4] until 2026-11-22 19:40:00 UTC:` Whether they are away, nobody may have asked. */
export const queuedText = ({ nodes, until }: Queued): string =>
  `In the queue of ${nodeNames(nodes, NAMES_CHARACTERS)} until ${momentText(until)} UTC:`;
