/** The revision of the policy in a node's answer to a ping; undefined where it doesn't say. */
import { ping } from '../../shared/actions/ping.ts';
import type { NodeResult } from '../report.ts';

export function nodePolicyRevision({ data }: Pick<NodeResult, 'data'>): number | undefined {
  const parsed = ping.output.safeParse(data);
  return parsed.success ? parsed.data.epochs?.policy : undefined;
}
