/**
 * Which package manager the system has. What could be updated isn't a fact: every manager needs seconds, a lock or the
 * network to say so. That a restart is due is one, where the system leaves a note of it.
 */
import type { Collector } from './collector.ts';
import type { FactDocument } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

/** In this order: Fedora has both dnf and a yum that is dnf, and Debian may have rpm installed as a tool. */
const MANAGERS = [
  { manager: 'apt', format: 'deb', program: '/usr/bin/apt-get' },
  { manager: 'dnf', format: 'rpm', program: '/usr/bin/dnf' },
  { manager: 'microdnf', format: 'rpm', program: '/usr/bin/microdnf' },
  { manager: 'zypper', format: 'rpm', program: '/usr/bin/zypper' },
  { manager: 'yum', format: 'rpm', program: '/usr/bin/yum' },
  { manager: 'pacman', format: 'pacman', program: '/usr/bin/pacman' },
  { manager: 'apk', format: 'apk', program: '/sbin/apk' },
  { manager: 'emerge', format: 'ebuild', program: '/usr/bin/emerge' },
  { manager: 'xbps', format: 'xbps', program: '/usr/bin/xbps-install' },
] as const;

export function packagesCollector(files: SystemFiles): Collector {
  return {
    name: 'packages',
    owns: ['packages'],
    volatile: [],
    refreshMs: 15 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async (): Promise<FactDocument> => {
      for (const { manager, format, program } of MANAGERS) {
        if (!(await files.exists(program))) continue;
        if (manager !== 'apt') return { packages: { manager, format } };
        return { packages: { manager, format, restartRequired: await files.exists('/run/reboot-required') } };
      }
      return {};
    },
  };
}
