/** On what it was measured: numbers without that mean nothing. */
import { execFile } from 'node:child_process';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findNatsServer, unpackedFolder } from '../../controller/dev/find-nats-server.ts';
import { VERSION } from '../../shared/version.ts';
import type { Programs } from './programs.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly natsServer: string;
  readonly fleet: string;
  /** Of the last minute, before the first measurement: what else the machine had to do. */
  readonly load: number;
}

export async function describeMachine({ natsServer, path }: Programs, checkout: string): Promise<Machine> {
  const found = await findNatsServer({ explicit: natsServer, path, unpacked: unpackedFolder(checkout) });
  const { stdout } = await promisify(execFile)(found.path, ['--version']);
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    natsServer: stdout.trim().replace(/^nats-server: v?/, ''),
    fleet: VERSION,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}
