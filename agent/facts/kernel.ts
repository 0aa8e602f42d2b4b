/** The kernel that runs, which isn't always the one that is installed. */
import { release, type } from 'node:os';
import type { Collector } from './collector.ts';
import type { FactDocument } from './fact-value.ts';

/** `6.1.0-18-amd64` is release `6.1.0-18-amd64`, version `6.1.0`. */
export function describeKernel(name: string, text: string): FactDocument {
  const version = /^\d+(?:\.\d+)*/.exec(text)?.[0];
  const [major, minor] = (version ?? '').split('.');
  return {
    name,
    release: text,
    ...(version === undefined ? {} : { version }),
    ...(major ? { major: Number(major) } : {}),
    ...(minor ? { minor: Number(minor) } : {}),
  };
}

export function kernelCollector(): Collector {
  return {
    name: 'kernel',
    owns: ['kernel'],
    volatile: [],
    refreshMs: 60 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: () => Promise.resolve({ kernel: describeKernel(type(), release()) }),
  };
}
