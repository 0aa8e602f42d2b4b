/**
 * Runs a script of the tests in a PID namespace of its own, where a kill by name can hit nothing but what the script
 * started. The kernel ends everything in it when the script is over or the test is.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { startChild } from './child-process.ts';

const UNSHARE = ['--pid', '--mount-proc', '--fork', '--kill-child'];

/** Why there can't be one here; undefined when there can. */
export function noPidNamespace(): string | undefined {
  if (process.platform !== 'linux') return 'PID namespaces are Linux only';
  const tried = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return 'unshare (util-linux) is not installed';
  return tried.status === 0 ? undefined : `unshare needs root: ${tried.stderr.trim()}`;
}

/**
 * The JSON that the script printed as its last line. It's the second process of the namespace: the first is a shell that
 * waits for it, as the kernel doesn't give a namespace's first process the signals of others.
 *
 * @param script path of a TypeScript file, bundled before it's run
 */
export async function runInPidNamespace<Result>(script: string, args: readonly string[] = []): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-namespace-'));
  try {
    const program = join(folder, 'script.mjs');
    await build({
      entryPoints: [script],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      banner: {
        js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
      },
    });
    const shell = ['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, program, ...args];
    const child = await startChild('unshare', [...UNSHARE, ...shell]);
    try {
      const { code } = await child.ended;
      if (code !== 0) throw new Error(`the script in the namespace ended with ${code}:\n${child.output()}`);
      return JSON.parse(child.stdout().trimEnd().split('\n').at(-1) ?? '') as Result;
    } finally {
      await child.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
