/** Every built-in collector, in the order in which they are looked at. */
import { bootCollector } from './boot.ts';
import type { Collector } from './collector.ts';
import { cpuCollector } from './cpu.ts';
import { disksCollector } from './disks.ts';
import { kernelCollector } from './kernel.ts';
import { loadCollector } from './load.ts';
import { memoryCollector } from './memory.ts';
import { networkCollector } from './network.ts';
import { osCollector } from './os.ts';
import { packagesCollector } from './packages.ts';
import { go } from './runtimes/go.ts';
import { java } from './runtimes/java.ts';
import { node } from './runtimes/node.ts';
import { perl } from './runtimes/perl.ts';
import { php } from './runtimes/php.ts';
import { python } from './runtimes/python.ts';
import { ruby } from './runtimes/ruby.ts';
import { runtimeCollector, type RuntimeOptions } from './runtimes/runtime.ts';
import { SystemFiles } from './system-files.ts';
import { uptimeCollector } from './uptime.ts';
import { virtualCollector } from './virtual.ts';

export function builtInCollectors(options: RuntimeOptions): readonly Collector[] {
  const files = new SystemFiles();
  return [
    bootCollector(files),
    osCollector(files),
    kernelCollector(),
    cpuCollector(files),
    memoryCollector(files),
    networkCollector(files),
    disksCollector(files),
    virtualCollector(files),
    packagesCollector(files),
    uptimeCollector(),
    loadCollector(),
    ...[ruby, node, python, java, php, go, perl].map((runtime) => runtimeCollector(runtime, options)),
  ];
}
