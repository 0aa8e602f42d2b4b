/** What whoever leads a job has to say of its nodes, as a record has it: those who ended alike together. */
import type { FinalState } from '../../shared/states.ts';
import type { Verdicts } from '../../shared/wire/job.ts';
import type { NodeResult } from '../report.ts';

const REASON_LENGTH = 512;

/** Of what the nodes say themselves nothing. @param places of nodes in the list of the expected */
export function groupVerdicts(nodes: readonly NodeResult[], places: ReadonlyMap<string, number>): Verdicts {
  const alike = new Map<string, Verdicts[number]>();
  for (const { node, state, code, reason, isVerdict } of nodes) {
    const place = places.get(node);
    // What a node refuses because it is stale is said, and not stored.
    const isTold = state === 'skipped' || state === 'refused' || isVerdict === true;
    if (place === undefined || !isTold || !isSilence(state)) continue;
    const text = (reason ?? '').slice(0, REASON_LENGTH);
    const key = JSON.stringify([state, code, text]);
    const known = alike.get(key);
    if (known !== undefined) known.nodes.push(place);
    else alike.set(key, { state, ...(code === undefined ? {} : { code }), reason: text, nodes: [place] });
  }
  return [...alike.values()];
}

type Silence = Verdicts[number]['state'];
const SILENCES: ReadonlySet<string> = new Set<Silence>(['unreachable', 'lost', 'skipped', 'refused']);
const isSilence = (state: FinalState): state is Silence => SILENCES.has(state);
