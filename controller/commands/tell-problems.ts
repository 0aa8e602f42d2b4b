/** What the roster and the inventory left out, told as soon as it is known, and once. */
import type { Fleet } from '../fleet.ts';
import type { Output } from '../render/output.ts';

/** Each call tells what has come up since the last one. */
export function createProblemTeller(fleet: Pick<Fleet, 'problems'>, output: Pick<Output, 'warning'>): () => void {
  let told = 0;
  return () => {
    const { problems } = fleet;
    for (const problem of problems.slice(told)) output.warning(problem);
    told = problems.length;
  };
}
