/** The controller service as its owner runs it: `fleet serve` with an identity of its own, and what it says of itself. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthAnswer } from '../../controller/service/health-server.ts';
import type { Child, Ended } from './child-process.ts';
import type { EmbeddedFleet } from './embedded-fleet.ts';
import { waitFor } from './wait-for.ts';

export class RunningService {
  readonly child: Child;
  /** `http://host:port` */
  readonly url: string;

  constructor(child: Child, url: string) {
    this.child = child;
    this.url = url;
  }

  async health(): Promise<HealthAnswer & { status: number }> {
    const response = await fetch(`${this.url}/readyz`);
    return { ...((await response.json()) as HealthAnswer), status: response.status };
  }

  /** Each line of a scrape that is no comment: name and labels → value. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  ready(): Promise<unknown> {
    return waitFor(async () => (await this.health()).ok, { what: 'the service to be ready', timeoutMs: 30_000 });
  }

  /** Until it believes so many nodes to be there, and so many away. */
  expectNodes(there: number, away: number): Promise<unknown> {
    const what = `${there} nodes to be there and ${away} to be away`;
    return waitFor(
      async () => {
        const metrics = await this.metrics();
        return metrics.get('fleet_nodes{state="there"}') === there && metrics.get('fleet_nodes{state="away"}') === away;
      },
      { what, timeoutMs: 30_000 },
    );
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.child.ended;
  }
}

/** With an identity of this name, which is made where there is none. Resolves when it answers, ready or not. */
export async function startService(
  fleet: EmbeddedFleet,
  name = 'controller1',
  ...options: readonly string[]
): Promise<RunningService> {
  const identity = join(fleet.folder, `${name}.json`);
  if (!existsSync(identity)) {
    const issued = await fleet.run('ca', 'issue', 'service', name, '--dir', fleet.folder);
    if (issued.exit !== 0) throw new Error(issued.stderr);
  }
  const child = await fleet.cli.start(['serve', '--config', writeConfig(fleet, name), ...options]);
  const url = await waitFor(
    () => {
      if (!child.isRunning()) throw new Error(child.output());
      return /"health":"([^"]+)"/.exec(child.stdout())?.[1];
    },
    { what: 'the service to say where it listens', timeoutMs: 30_000 },
  );
  return new RunningService(child, `http://${url}`);
}

/** Its serve.yaml, in the folder of the fleet; returns the path. */
export function writeConfig(fleet: EmbeddedFleet, name: string): string {
  const path = join(fleet.folder, `${name}.yaml`);
  const { server } = fleet.state;
  const settings = {
    servers: [server],
    identity: `${name}.json`,
    tls: { caFile: 'tls/ca.pem' },
    listen: '127.0.0.1:0',
  };
  writeFileSync(path, JSON.stringify(settings), { mode: 0o600 });
  return path;
}

/** Services for as long as something is done with them. */
export async function withServices<T>(
  fleet: EmbeddedFleet,
  names: readonly string[],
  work: (...services: RunningService[]) => Promise<T>,
): Promise<T> {
  const services: RunningService[] = [];
  try {
    for (const name of names) services.push(await startService(fleet, name));
    for (const service of services) await service.ready();
    return await work(...services);
  } finally {
    for (const { child } of services) if (child.isRunning()) await child.stop();
  }
}
