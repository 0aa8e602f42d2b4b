/**
 * File systems on disks, each once, in bytes. Network file systems are listed without a size: asking one whose server is
 * gone blocks for ever, and takes one of the process's few file threads with it.
 */
import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { LIMITS } from '../../shared/limits.ts';
import type { Collector } from './collector.ts';
import type { FactDocument, FactValue } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

const REMOTE_TYPES = /^(nfs4?|cifs|smb3|smbfs|9p|ceph|glusterfs|lustre|afs|ncpfs|ocfs2|gfs2?|virtiofs|fuse\..+)$/;
/** Kinds without a device file that hold data all the same. */
const LOCAL_TYPES = new Set(['zfs', 'btrfs', 'bcachefs']);
/** Read-only images, snaps for one: always full, and of no interest. */
const IMAGE_TYPES = new Set(['squashfs', 'iso9660', 'erofs', 'udf']);

export interface Mount {
  readonly mount: string;
  readonly device: string;
  readonly type: string;
  readonly remote: boolean;
}

/** What /proc/self/mountinfo lists, down to real file systems, each device once, at its shortest mount point. */
export function parseMountInfo(text: string): Mount[] {
  const byDevice = new Map<string, Mount>();
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ', 2);
    const [, , number, , point] = (left ?? '').split(' ');
    const [type, source] = (right ?? '').split(' ');
    if (number === undefined || point === undefined || type === undefined || source === undefined) continue;
    const mount = unescape(point);
    const device = unescape(source);
    const remote = REMOTE_TYPES.test(type);
    if (!isReal(mount, device, type, remote)) continue;
    const key = remote || LOCAL_TYPES.has(type) ? device : number;
    const known = byDevice.get(key);
    if (known === undefined || mount.length < known.mount.length) byDevice.set(key, { mount, device, type, remote });
  }
  return [...byDevice.values()]
    .toSorted((left, right) => (left.mount < right.mount ? -1 : 1))
    .slice(0, LIMITS.factListItems);
}

function isReal(mount: string, device: string, type: string, remote: boolean): boolean {
  if (IMAGE_TYPES.has(type)) return false;
  // A container's own root is an overlay; the overlays of other containers are theirs.
  if (type === 'overlay') return mount === '/';
  return remote || LOCAL_TYPES.has(type) || device.startsWith('/');
}

/** The kernel writes blanks, tabs, line ends and backslashes as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

async function describe(disk: Mount): Promise<FactDocument> {
  const facts: Record<string, FactValue> = {
    name: basename(disk.device) || disk.device,
    mount: disk.mount,
    device: disk.device,
    type: disk.type,
  };
  if (disk.remote) return { ...facts, remote: true };
  const size = await statfs(disk.mount).catch(() => undefined);
  if (size === undefined) return facts;
  return {
    ...facts,
    size: size.blocks * size.bsize,
    free: size.bfree * size.bsize,
    available: size.bavail * size.bsize,
  };
}

export function disksCollector(files: SystemFiles): Collector {
  return {
    name: 'disks',
    owns: ['disks'],
    volatile: ['disks.free', 'disks.available'],
    refreshMs: 5 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async (): Promise<FactDocument> => {
      const text = await files.text('/proc/self/mountinfo');
      if (text === undefined) return {};
      return { disks: await Promise.all(parseMountInfo(text).map((disk) => describe(disk))) };
    },
  };
}
