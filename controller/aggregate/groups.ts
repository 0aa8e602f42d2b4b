/**
 * Nodes whose program ended alike, for `exec` and `run`: same state, reason, exit and output. Holds one copy of each
 * output and the names; results may be forgotten once they were added.
 */
import { FINAL_STATES, type FinalState } from '../../shared/states.ts';
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { NodeResult } from '../report.ts';
import { numberOf, recordOf, textOf } from './read-data.ts';

export interface ProgramGroup {
  readonly nodes: readonly string[];
  readonly state: FinalState;
  readonly reason: string | null;
  /** Null when a signal ended it, or nothing ran. */
  readonly exit: number | null;
  readonly signal: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes that the node dropped from the middle of each stream. */
  readonly dropped: { readonly stdout: number; readonly stderr: number };
}

export interface Groups {
  add(result: NodeResult): void;
  /** Those that are `ok` first, the failed last: next to the prompt. Within a state the largest first. */
  groups(): ProgramGroup[];
}

/** @param together whether nodes that ended alike share a group; if not, each node is one. */
export function createGroups(together = true): Groups {
  const byKey = new Map<string, ProgramGroup & { nodes: string[] }>();
  const idOf = createTextIds();

  return {
    add(result) {
      const program = readProgram(result);
      const key = JSON.stringify([
        together ? '' : result.node,
        program.state,
        program.reason,
        program.exit,
        program.signal,
        idOf(program.stdout),
        idOf(program.stderr),
        program.dropped,
      ]);
      const group = byKey.get(key);
      if (group === undefined) byKey.set(key, { nodes: [result.node], ...program });
      else group.nodes.push(result.node);
    },
    groups() {
      return [...byKey.values()]
        .map((group) => ({ ...group, nodes: group.nodes.toSorted(compareNatural) }))
        .toSorted(
          (a, b) =>
            rank(a.state) - rank(b.state) ||
            b.nodes.length - a.nodes.length ||
            compareNatural(a.nodes[0] ?? '', b.nodes[0] ?? ''),
        );
    },
  };
}

function readProgram(result: NodeResult): Omit<ProgramGroup, 'nodes'> {
  const data = recordOf(result.data);
  const truncated = recordOf(data.truncated);
  return {
    state: result.state,
    reason: result.reason,
    exit: numberOf(data.exit),
    signal: textOf(data.signal),
    stdout: textOf(data.stdout),
    stderr: textOf(data.stderr),
    dropped: { stdout: numberOf(truncated.stdout) ?? 0, stderr: numberOf(truncated.stderr) ?? 0 },
  };
}

/** A number for each text: keys stay short, and a long output is compared without being copied into one. */
function createTextIds(): (text: string) => number {
  const ids = new Map<string, number>();
  return (text) => {
    const known = ids.get(text);
    if (known !== undefined) return known;
    ids.set(text, ids.size);
    return ids.size - 1;
  };
}

/** `ok`, then the states from the one that says least to the one that says most. */
function rank(state: FinalState): number {
  return state === 'ok' ? -1 : FINAL_STATES.length - FINAL_STATES.indexOf(state);
}
