/**
 * What a target of fuzzing is: a part of the product that takes hostile input, and what has to hold whatever comes. The
 * fuzzer (fuzz.ts) and `npm test` (test/property/fuzz-replay.test.ts) run the same targets.
 */

export interface FuzzTarget {
  /** Also the name of its folder in corpus/. */
  readonly name: string;
  /** What is under test, for people. */
  readonly about: string;
  /** Source files whose coverage counts as this target's: beginnings of paths within the checkout. */
  readonly sources: readonly string[];
  /** Longest input. */
  readonly maxBytes: number;
  /** `tree`: inputs are MessagePack, and are changed as values, too. `text`: they are words of the dictionary. */
  readonly shape: 'tree' | 'text';
  /** Words and names that mean something here. */
  readonly dictionary: readonly string[];
  /**
   * Most blocks of code that an input may have run: `base`, and `perByte` of input. Beyond that something is worse than
   * linear, or far too slow.
   */
  readonly work: { readonly base: number; readonly perByte: number };
  start(): Promise<RunningTarget>;
}

export interface RunningTarget {
  /** Inputs that are right, to begin with. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Takes one input. Gives one of a few words for what came of it: another word is a finding worth keeping. Throws when
   * something doesn't hold, or what the product threw that isn't a FleetError.
   */
  run(input: Uint8Array): string | Promise<string>;
  stop?(): Promise<void>;
}

/** Something that must hold didn't: the input is a failure. */
export class BrokenPromiseError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'BrokenPromiseError';
  }
}

/** @throws BrokenPromiseError */
export function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenPromiseError(what);
}
