/** A program for the nodes of an embedded fleet that leaves a line when it starts and when it ends, and does as it's told. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class BatchTrial {
  /** What `fleet exec` is given. */
  readonly script: readonly string[];
  readonly #folder: string;
  readonly #course: string;

  /** @param folder a new one, in which nodes leave their lines, and find what they are to do */
  constructor(folder: string) {
    mkdirSync(folder);
    this.#folder = folder;
    this.#course = join(folder, 'course');
    // Appending a short line is one write: lines of several nodes don't mix.
    const script = `n="\${FLEET_EMBEDDED_NODE##*/}"; echo "start $n" >>${this.#course}
      while [ -e ${folder}/hold-$n ]; do sleep 0.05; done
      echo "end $n" >>${this.#course}; [ ! -e ${folder}/fail-$n ]`;
    this.script = ['--shell', '--', script];
  }

  /** It doesn't end there before it is released. */
  hold(...nodes: readonly string[]): void {
    for (const node of nodes) writeFileSync(join(this.#folder, `hold-${node}`), '');
  }

  fail(...nodes: readonly string[]): void {
    for (const node of nodes) writeFileSync(join(this.#folder, `fail-${node}`), '');
  }

  release(...nodes: readonly string[]): void {
    for (const node of nodes) rmSync(join(this.#folder, `hold-${node}`));
  }

  lines(): string[] {
    return existsSync(this.#course) ? readFileSync(this.#course, 'utf8').trim().split('\n') : [];
  }

  /** Once for each time that it ran there. */
  started(): string[] {
    return this.lines().flatMap((line) => (line.startsWith('start ') ? [line.slice(6)] : []));
  }

  ended(node: string): boolean {
    return this.lines().includes(`end ${node}`);
  }

  /** How many ran at once, at most. */
  mostUnderWay(): number {
    let [now, most] = [0, 0];
    for (const line of this.lines()) {
      now += line.startsWith('start') ? 1 : -1;
      most = Math.max(most, now);
    }
    return most;
  }
}
