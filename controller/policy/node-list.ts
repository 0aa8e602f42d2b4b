/** Nodes, and the revision of the policy that each goes by. */
import { countStates, exitCodeOf } from '../../shared/states.ts';
import { nodePolicyRevision } from './node-revision.ts';
import type { StoredPolicy } from '../control.ts';
import { inOrder } from '../render/document.ts';
import type { ListReport, NodeResult } from '../report.ts';

/** @param stored what they should have */
export function nodeList(command: string, results: readonly NodeResult[], stored: StoredPolicy): ListReport {
  const wanted = stored.signed?.document.revision ?? 0;
  const items = inOrder(results).map((result) => {
    const revision = nodePolicyRevision(result);
    return {
      node: result.node,
      current: result.state === 'ok' && (revision === undefined || revision >= wanted),
      revision: revision ?? null,
      state: result.state,
      reason: result.reason,
    };
  });
  return {
    version: 1,
    command,
    exit: exitCodeOf(countStates(results.map(({ state }) => state))),
    list: 'nodes',
    one: 'node',
    items,
    fields: ['node', 'current', 'revision', 'state', 'reason'],
    table: [
      { title: 'NODE', text: ({ node }) => String(node) },
      {
        title: 'POLICY',
        text: ({ current, revision }) =>
          current === true ? 'current' : typeof revision === 'number' ? `of ${timeText(revision)}` : 'not known',
        tone: ({ current }) => (current === true ? 'good' : 'bad'),
      },
      {
        title: '',
        text: ({ current, state, reason }) => (current === true ? '' : `${String(state)}: ${String(reason)}`),
      },
    ],
    more: { revision: wanted },
  };
}

/** A revision is the clock of who signed it. */
export function timeText(ms: number): string {
  const moment = new Date(ms);
  // What a node says of its policy may be any number.
  return Number.isNaN(moment.getTime()) ? String(ms) : moment.toISOString().replace(/\.\d+Z$/, 'Z');
}
