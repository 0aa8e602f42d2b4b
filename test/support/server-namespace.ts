/**
 * A "server" of a test: a PID namespace that stays until it's stopped, with programs started into it one by one. What
 * runs in it sees, and can signal, nothing but what was started there. Needs root: `noPidNamespace()` says whether.
 */
import { readFileSync } from 'node:fs';
import { startChild, type Child } from './child-process.ts';
import { waitFor } from './wait-for.ts';

const UNSHARE = ['--pid', '--mount-proc', '--fork', '--kill-child=KILL'];
/** The first process collects the orphans of the others, as an init does. */
const INIT = 'trap "" TERM INT; while :; do sleep 1; done';

export class ServerNamespace {
  readonly #unshare: Child;
  readonly #init: number;

  private constructor(unshare: Child, init: number) {
    this.#unshare = unshare;
    this.#init = init;
  }

  static async start(): Promise<ServerNamespace> {
    const unshare = await startChild('unshare', [...UNSHARE, 'sh', '-c', INIT]);
    try {
      const init = await waitFor(() => firstChildOf(unshare.pid), { what: 'the namespace to be there' });
      return new ServerNamespace(unshare, init);
    } catch (error) {
      await unshare.stop();
      throw error;
    }
  }

  /** Before the words of a command line: what runs it in here. */
  get prefix(): readonly string[] {
    return ['nsenter', '--target', String(this.#init), '--pid', '--mount', '--'];
  }

  /** Ends everything in it, at once. */
  async stop(): Promise<void> {
    await this.#unshare.stop(0);
  }
}

/** Once it runs what it was made for, and not unshare any more. */
function firstChildOf(pid: number): number | undefined {
  const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  return child > 0 && readFileSync(`/proc/${child}/cmdline`, 'utf8').startsWith('sh\0') ? child : undefined;
}
