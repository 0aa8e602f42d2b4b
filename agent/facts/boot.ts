/**
 * Which boot of the machine this is. Its time isn't a fact: the kernel works it out from the clock, so it shifts by a
 * second whenever the clock is set, and would change the inventory of a node that hasn't changed.
 */
import type { Collector } from './collector.ts';
import type { FactDocument } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

export function bootCollector(files: SystemFiles): Collector {
  return {
    name: 'boot',
    owns: ['boot'],
    volatile: [],
    refreshMs: 60 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async (): Promise<FactDocument> => {
      const id = await files.line('/proc/sys/kernel/random/boot_id');
      return id === undefined ? {} : { boot: { id } };
    },
  };
}
