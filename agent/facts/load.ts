/** Load averages. */
import { loadavg } from 'node:os';
import type { Collector } from './collector.ts';

export function loadCollector(): Collector {
  return {
    name: 'load',
    owns: ['load'],
    volatile: ['load'],
    refreshMs: 5 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: () => {
      // The kernel counts in hundredths; the rest is noise of the conversion.
      const [one = 0, five = 0, fifteen = 0] = loadavg().map((value) => Math.round(value * 100) / 100);
      return Promise.resolve({ load: { '1m': one, '5m': five, '15m': fifteen } });
    },
  };
}
