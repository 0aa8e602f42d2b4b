/** What is not there of the output of programs, in words; nodes that lack it for the same reason together. */
import { compareNatural } from '../../shared/names/natural-order.ts';
import type { OutputLoss } from '../output/output-intake.ts';
import { nodeNames } from './node-names.ts';

/** @param job where it may be looked for later */
export function lossLines(losses: ReadonlyMap<string, OutputLoss>, job: string | undefined): string[] {
  const all = [...losses].toSorted(([a], [b]) => compareNatural(a, b));
  const later = job === undefined ? '' : `; what has not come so far: fleet job show ${job} NODE`;
  return [
    ...line(all, ({ missing }) => missing, (bytes, nodes) => `${bytes} bytes of the output of ${nodes} are missing: the bus dropped them for room, or has not got them${later}`),
    ...line(all, ({ dropped }) => dropped, (bytes, nodes) => `${bytes} bytes of the output of ${nodes} were dropped there: more than the node keeps (spool in agent.yaml)`),
    ...line(all, ({ isAltered }) => Number(isAltered), (_bytes, nodes) => `what came of the output of ${nodes} is not what was written there, by the digest in the result`),
  ]; // prettier-ignore
}

function line(
  all: readonly (readonly [string, OutputLoss])[],
  count: (loss: OutputLoss) => number,
  words: (bytes: number, nodes: string) => string,
): string[] {
  const concerned = all.filter(([, loss]) => count(loss) > 0);
  if (concerned.length === 0) return [];
  const bytes = concerned.reduce((sum, [, loss]) => sum + count(loss), 0);
  return [words(bytes, nodeNames(concerned.map(([node]) => node), null))]; // prettier-ignore
}
