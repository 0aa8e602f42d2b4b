/** What the service knows of the fleet, in numbers: without the name of any node. */
import type { ServiceContext } from './part.ts';

export function describeFleet({ directory, metrics, presence }: ServiceContext): void {
  metrics.gauge('fleet_nodes', 'Nodes that belong to the fleet, by where they are.', () => {
    const { away, there, unknown } = presence.count();
    return [
      [{ state: 'there' }, there],
      [{ state: 'away' }, away],
      [{ state: 'unknown' }, unknown],
    ];
  });
  metrics.gauge('fleet_agents', 'Nodes by the version of their agent.', () => {
    const count = new Map<string, number>();
    for (const { name, state } of directory.roster.values()) {
      const version = state === 'joined' ? directory.heads.get(name)?.agent : undefined;
      if (version !== undefined) count.set(version, (count.get(version) ?? 0) + 1);
    }
    // A node says what it likes of itself: more than a few kinds are no versions.
    return [...count].slice(0, MOST_VERSIONS).map(([version, nodes]) => [{ version }, nodes]);
  });
  metrics.gauge(
    'fleet_bad_entries',
    'Entries of roster and inventory that do not hold and are left out.',
    () => directory.problems,
  );
}

const MOST_VERSIONS = 50;
