/** Memory, in bytes. What is free changes by the minute; how much there is doesn't. */
import { freemem, totalmem } from 'node:os';
import type { Collector } from './collector.ts';
import type { FactDocument } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

const BYTES_PER_KB = 1024;

/** What /proc/meminfo says; undefined when it doesn't say how much memory there is. */
export function parseMemInfo(text: string): FactDocument | undefined {
  const bytes = (field: string): number | undefined => {
    const amount = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return amount === undefined ? undefined : Number(amount) * BYTES_PER_KB;
  };
  const total = bytes('MemTotal');
  if (total === undefined) return undefined;
  const free = bytes('MemFree') ?? 0;
  // Kernels before 3.14 don't say what is available: what is free or can be dropped comes close.
  const available = bytes('MemAvailable') ?? free + (bytes('Buffers') ?? 0) + (bytes('Cached') ?? 0);
  return { total, free, available, swap: { total: bytes('SwapTotal') ?? 0, free: bytes('SwapFree') ?? 0 } };
}

export function memoryCollector(files: SystemFiles): Collector {
  return {
    name: 'memory',
    owns: ['memory'],
    volatile: ['memory.free', 'memory.available', 'memory.swap.free'],
    refreshMs: 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async (): Promise<FactDocument> => {
      const found = parseMemInfo((await files.text('/proc/meminfo')) ?? '');
      return { memory: found ?? { total: totalmem(), free: freemem(), available: freemem() } };
    },
  };
}
