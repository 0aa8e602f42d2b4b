/** Nodes of a batch whose turn has not come, in words. */
import { nodeCount, nodeNames } from './node-names.ts';

/** Names shown of many; all are in the documents. */
const NAMES_CHARACTERS = 120;

export const plannedText = (count: number, isLed: boolean): string =>
  `${nodeCount(count)} ${count === 1 ? 'waits for its' : 'wait for their'} turn${isLed ? '' : ', nobody leads'}`;

/** What to do about it. */
export const unledText = (nodes: readonly string[], job: string): string =>
  `Nobody leads this job: ${nodeNames(nodes, NAMES_CHARACTERS)} ${nodes.length === 1 ? 'waits for its' : 'wait for their'} turn, which nobody gives. A service goes on with it when one runs (fleet serve); to end it: fleet job cancel ${job}`;
