/**
 * Which code has run, as V8 counts it (node:inspector, precise and by block). Knows for every character of a script
 * whether it was ever reached, so that it can say what is new, and how much of a file was reached. One at a time in a
 * thread: taking the counts resets them.
 */
import { Session, type Profiler } from 'node:inspector';

export interface Script {
  readonly text: string;
  /** Source file that a character belongs to, as a path within the checkout; nothing for what isn't the product's. */
  sourceAt(offset: number): string | undefined;
}

/** What ran since it was asked before. */
export interface Taken {
  /** Characters of the product that had never been reached. */
  readonly fresh: number;
  /** Blocks that ran, packages included: the work that was done. */
  readonly work: number;
  /** From now on it counts as reached. */
  keep(): void;
}

interface Measured {
  readonly script: Script;
  /** Number of the innermost known function at each character; 0 is none. */
  readonly owner: Int32Array;
  /** Which characters were reached: by what was committed, and, beyond that, by what is only being looked at. */
  readonly reached: Uint8Array;
  /** Numbers of known functions, and how long each is. */
  readonly functions: Map<string, number>;
  readonly lengths: number[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #scriptOf: (url: string) => Script | undefined;
  readonly #measured = new Map<string, Measured | undefined>();

  /** Scripts that are none of ours have no text, and count as work unless they are Node's own. */
  constructor(scriptOf: (url: string) => Script | undefined) {
    this.#scriptOf = scriptOf;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.disconnect();
  }

  take(): Taken {
    let fresh = 0;
    let work = 0;
    const looks: (() => void)[] = [];
    for (const { url, functions } of this.#post()) {
      if (url === '' || url.startsWith('node:')) continue;
      const measured = this.#measure(url);
      if (measured === undefined && !url.includes('/node_modules/')) continue;
      for (const { ranges } of functions) for (const { count } of ranges) work += count;
      if (measured === undefined) continue;
      fresh += look(measured, functions, false);
      looks.push(() => void look(measured, functions, true));
    }
    return { fresh, work, keep: () => looks.forEach((keep) => keep()) };
  }

  /** Forgets what was reached; what there is to reach stays known. */
  forget(): void {
    this.#post();
    for (const measured of this.#measured.values()) measured?.reached.fill(0);
  }

  /** Characters within functions of these sources, and how many of them were reached. */
  reached(sources: readonly string[]): { reached: number; of: number } {
    let reached = 0;
    let of = 0;
    for (const measured of this.#measured.values()) {
      if (measured === undefined) continue;
      for (let at = 0; at < measured.owner.length; at++) {
        const source = measured.owner[at] === 0 ? undefined : measured.script.sourceAt(at);
        if (source === undefined || !sources.some((path) => source.startsWith(path))) continue;
        of++;
        reached += measured.reached[at] ?? 0;
      }
    }
    return { reached, of };
  }

  #post(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = [];
    // A session in the same thread answers before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      result = answer.result;
    });
    return result;
  }

  #measure(url: string): Measured | undefined {
    if (this.#measured.has(url)) return this.#measured.get(url);
    const script = this.#scriptOf(url);
    const measured =
      script === undefined
        ? undefined
        : {
            script,
            owner: new Int32Array(script.text.length),
            reached: new Uint8Array(script.text.length),
            functions: new Map<string, number>(),
            lengths: [0],
          };
    this.#measured.set(url, measured);
    return measured;
  }
}

function look(measured: Measured, functions: readonly Profiler.FunctionCoverage[], keep: boolean): number {
  const { script, owner, reached } = measured;
  for (const { functionName, ranges } of functions) {
    const [whole] = ranges;
    // The outermost function is the script itself: what a module does when it's loaded.
    if (whole === undefined || (whole.startOffset === 0 && functionName === '')) continue;
    know(measured, whole);
  }
  let fresh = 0;
  for (const { ranges } of functions) {
    const [whole] = ranges;
    const id = whole === undefined ? undefined : measured.functions.get(keyOf(whole));
    if (whole === undefined || id === undefined || whole.count === 0) continue;
    // Ranges lie within each other, outer ones first: the last one at a place counts.
    const counts = new Uint8Array(whole.endOffset - whole.startOffset);
    for (const { startOffset, endOffset, count } of ranges)
      counts.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    for (let at = whole.startOffset; at < whole.endOffset; at++) {
      if (counts[at - whole.startOffset] === 0 || owner[at] !== id || reached[at] === 1) continue;
      const isProduct = script.sourceAt(at) !== undefined;
      if (isProduct) fresh++;
      if (keep || !isProduct) reached[at] = 1;
    }
  }
  return fresh;
}

const keyOf = ({ startOffset, endOffset }: Profiler.CoverageRange): string => `${startOffset}-${endOffset}`;

/** A function within another owns its characters. */
function know({ owner, functions, lengths }: Measured, { startOffset, endOffset }: Profiler.CoverageRange): void {
  const key = keyOf({ startOffset, endOffset, count: 0 });
  if (functions.has(key)) return;
  const id = lengths.push(endOffset - startOffset) - 1;
  functions.set(key, id);
  for (let at = startOffset; at < endOffset; at++) {
    const before = owner[at] ?? 0;
    if (before === 0 || (lengths[before] ?? 0) > endOffset - startOffset) owner[at] = id;
  }
}
