/** Processors: what they are, and how many. Their use is not a fact. */
import { cpus } from 'node:os';
import type { Collector } from './collector.ts';
import type { FactDocument } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

/** What /proc/cpuinfo says. ARM kernels name no model and no cores: what isn't said is left out. */
export function parseCpuInfo(text: string): { cpus: number; cpu: FactDocument } {
  const blocks = text
    .split(/\n\s*\n/)
    .map(fields)
    .filter((block) => block.has('processor'));
  const sockets = new Set<string>();
  const cores = new Set<string>();
  for (const block of blocks) {
    const socket = block.get('physical id');
    const core = block.get('core id');
    if (socket !== undefined) sockets.add(socket);
    if (socket !== undefined && core !== undefined) cores.add(`${socket}/${core}`);
  }
  const model = blocks[0]?.get('model name') ?? blocks[0]?.get('cpu model');
  const vendor = blocks[0]?.get('vendor_id');
  return {
    cpus: blocks.length,
    cpu: {
      ...(model ? { model: model.replaceAll(/\s+/g, ' ') } : {}),
      ...(vendor ? { vendor } : {}),
      ...(cores.size > 0 ? { cores: cores.size } : {}),
      ...(sockets.size > 0 ? { sockets: sockets.size } : {}),
    },
  };
}

function fields(block: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) found.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return found;
}

export function cpuCollector(files: SystemFiles): Collector {
  return {
    name: 'cpu',
    owns: ['cpu', 'cpus'],
    volatile: [],
    refreshMs: 60 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async (): Promise<FactDocument> => {
      const found = parseCpuInfo((await files.text('/proc/cpuinfo')) ?? '');
      if (found.cpus > 0) return found;
      const known = cpus();
      return { cpus: known.length, cpu: { model: known[0]?.model ?? 'unknown' } };
    },
  };
}
