/** How long the machine is up, in seconds. In a container this is the host's. */
import { uptime } from 'node:os';
import type { Collector } from './collector.ts';

export function uptimeCollector(): Collector {
  return {
    name: 'uptime',
    owns: ['uptime'],
    volatile: ['uptime'],
    refreshMs: 5 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: () => Promise.resolve({ uptime: Math.floor(uptime()) }),
  };
}
