/**
 * Which nodes know the newest documents of the fleet: each command says what its caller knows, and a node that knows less
 * says that, whatever else there were to say. So whoever answers a ping has them.
 */
import { Fleet, type FleetOptions } from './fleet.ts';
import type { NodeResult } from './report.ts';

export interface KnowingNodes {
  readonly have: readonly string[];
  /** Those that didn't say so, each with the reason. */
  readonly missing: readonly { readonly node: string; readonly reason: string }[];
  /** How long it took until the last one had said so. */
  readonly ms: number;
}

/** How long a node gets: it may have to fetch first, and machines may be busy. */
const ACK_TIMEOUT_MS = 5_000;

/**
 * Asks all nodes of the roster.
 * @param options how to connect; connected anew, since what a caller knows is read then
 * @throws UsageError where the caller itself is revoked; TransportError
 */
export async function askWhoKnows(options: FleetOptions, signal: AbortSignal): Promise<KnowingNodes> {
  const fleet = await Fleet.connect(options);
  try {
    const target = Fleet.target({});
    const resolved = await fleet.resolve(target);
    if (resolved.expected.length === 0) return { have: [], missing: [], ms: 0 };
    const request = { action: 'ping', effect: 'reads', args: {}, dryRun: false } as const;
    const { ms, nodes } = await fleet.run(request, target, resolved, { ackTimeoutMs: ACK_TIMEOUT_MS, signal });
    const have = nodes
      .filter(knows)
      .map(({ node }) => node)
      .toSorted();
    const missing = nodes
      .filter((one) => !knows(one))
      .map(({ node, reason, state }) => ({ node, reason: reason ?? state }));
    return { have, missing, ms };
  } finally {
    await fleet.close();
  }
}

/** Who may ping is another question, which a node comes to only then. */
const knows = ({ code, state }: NodeResult): boolean =>
  state === 'ok' || (state === 'refused' && code !== 'cannot-check-revocation');
