/** What this server says of itself to who approves it, and what it's called when nobody says. */
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces, platform, release } from 'node:os';
import { isNodeName } from '../../shared/names/node-name.ts';
import type { JoiningHost } from '../../shared/wire/join-request.ts';
import { parseOsRelease } from '../facts/os.ts';

const ADDRESSES = 16;

export function describeHost(): JoiningHost {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
  return {
    hostname: hostname().slice(0, 256),
    os: osTitle().slice(0, 256),
    addresses: [...new Set(addresses)].slice(0, ADDRESSES),
  };
}

/** The short name of this host, in the letters that names have; undefined where nothing is left of it. */
export function defaultName(host: string = hostname()): string | undefined {
  const name = (host.split('.')[0] ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .replace(/^-+/, '');
  return isNodeName(name) && name !== 'localhost' ? name : undefined;
}

function osTitle(): string {
  try {
    const title = parseOsRelease(readFileSync('/etc/os-release', 'utf8')).get('PRETTY_NAME');
    if (title !== undefined) return title;
  } catch {
    // A system without one is still something.
  }
  return `${platform()} ${release()}`;
}
