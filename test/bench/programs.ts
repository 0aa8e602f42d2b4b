/** What the benchmark runs: the built programs, as they are installed. */
import { join } from 'node:path';

export interface Programs {
  readonly fleet: string;
  readonly agent: string;
  /** This benchmark, for its parts that run in processes of their own. */
  readonly self: string;
  readonly path: string;
  /** FLEET_NATS_SERVER */
  readonly natsServer: string | undefined;
}

export function programsOf(
  checkout: string,
  surroundings: { path: string; natsServer: string | undefined },
  self: string,
): Programs {
  const inBin = (name: string): string => join(checkout, 'dist', 'bin', name);
  return { ...surroundings, self, fleet: inBin('fleet.js'), agent: inBin('fleet-agent.js') };
}
