/** How many files a process may have open, and what that means for the nodes that it holds. */
import { readFileSync } from 'node:fs';
import { SettingsError } from '../../shared/errors.ts';

/** A node has its connection, and files of its state: measured, with room for what opens for a moment. */
const FILES_PER_NODE = 5;
const FILES_OF_ITS_OWN = 200;

/** Node raises what holds to what may; undefined where the system doesn't say. */
export function openFilesLimit(limits = '/proc/self/limits'): number | undefined {
  try {
    const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync(limits, 'utf8'))?.[1];
    return hard === undefined || hard === 'unlimited' ? undefined : Number(hard);
  } catch {
    return undefined;
  }
}

/** @param limit as openFilesLimit says. @throws SettingsError `too-few-files` */
export function assertEnoughFiles(nodesPerWorker: number, limit: number | undefined): void {
  const needed = nodesPerWorker * FILES_PER_NODE + FILES_OF_ITS_OWN;
  if (limit === undefined || needed <= limit) return;
  throw new SettingsError(
    `a process that holds ${nodesPerWorker} nodes needs ${needed} open files, and may have ${limit}`,
    {
      code: 'too-few-files',
      hint: `Use more processes (--workers ${Math.ceil((nodesPerWorker * FILES_PER_NODE) / Math.max(1, limit - FILES_OF_ITS_OWN))} times as many), or raise the limit: \`ulimit -Hn ${needed}\` as root, LimitNOFILE= of a systemd unit, or nofile in /etc/security/limits.conf. The bus needs one for each node, too.`,
    },
  );
}
