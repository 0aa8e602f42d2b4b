/** Makes nats-server read its users again, where it runs on this machine. Signals nothing that isn't this fleet's bus. */
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { FleetHome } from './fleet-home.ts';

/** @returns whether it was told */
export function reloadBus(home: FleetHome): boolean {
  try {
    const pid = Number(readFileSync(home.natsPid, 'utf8'));
    if (!Number.isInteger(pid) || pid <= 1 || !isBusOf(home, pid)) return false;
    process.kill(pid, 'SIGHUP');
    return true;
  } catch {
    return false;
  }
}

/** The pid file outlives its server, and the pid may be anything's by now. */
function isBusOf(home: FleetHome, pid: number): boolean {
  const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  if (basename(program) !== 'nats-server') return false;
  const config = configOf(args);
  if (config === undefined) return false;
  const path = resolve(readlinkSync(`/proc/${pid}/cwd`), config);
  return path === home.natsConfig || includes(path).includes(home.natsConfig);
}

function configOf(args: readonly string[]): string | undefined {
  for (const [index, arg] of args.entries()) {
    const [, value] = /^--?(?:c|config)(?:=(.*))?$/s.exec(arg) ?? [arg, null];
    if (value !== null) return value ?? args[index + 1];
  }
  return undefined;
}

/** An owner's own settings stand in a file that includes the one made here. */
function includes(config: string): string[] {
  const text = readFileSync(config, 'utf8');
  return [...text.matchAll(/^\s*include\s+["']?([^"'\s;]+)/gm)].map(([, path = '']) => resolve(dirname(config), path));
}
