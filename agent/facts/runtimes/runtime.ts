/**
 * A language runtime as a collector: the first program of its names that answers with a version it understands. One that
 * isn't installed has no facts, which is no error; one that is there and answers nonsense is.
 */
import { LIMITS } from '../../../shared/limits.ts';
import type { Collector } from '../collector.ts';
import { FactProblem, type FactDocument } from '../fact-value.ts';
import { findPrograms } from '../find-programs.ts';
import { runProgram, type ProgramResult } from '../run-program.ts';

export interface Runtime {
  /** The top-level fact: `ruby`. */
  readonly fact: string;
  readonly programs: readonly string[];
  /** Makes it say its version, without start-up files that could be slow or chatty. */
  readonly args: readonly string[];
  /** Finds version and patch level in all that it printed, standard error last. */
  readonly parse: (output: string) => FactDocument | undefined;
}

export interface RuntimeOptions {
  readonly folders: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function runtimeCollector(runtime: Runtime, options: RuntimeOptions): Collector {
  return {
    name: runtime.fact,
    owns: [runtime.fact],
    volatile: [],
    refreshMs: 15 * 60_000,
    timeoutMs: LIMITS.factRuntimeMs,
    spawns: true,
    collect: async (signal) => {
      const found = await findPrograms(runtime.programs, options.folders);
      let complaint: string | undefined;
      for (const path of found) {
        const result = await runProgram([path, ...runtime.args], {
          env: options.env,
          maxBytes: LIMITS.factRuntimeBytes,
          signal,
        });
        const facts = runtime.parse(`${result.stdout}\n${result.stderr}`);
        if (facts !== undefined) return { [runtime.fact]: { ...facts, path } };
        complaint ??= complain(path, result);
      }
      if (complaint !== undefined) throw new FactProblem(complaint);
      return {};
    },
  };
}

function complain(path: string, result: ProgramResult): string {
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n', 1)[0]?.slice(0, LIMITS.reasonLineLength) ?? '';
  return `${path} doesn't say its version (exit ${result.exit ?? result.signal}): ${said}`;
}

/**
 * The version and, as a number, its third part: what most languages call the patch level.
 * @param version `3.11.7`, `8.4.0RC1`, `1.22`
 */
export function versionFacts(version: string): FactDocument {
  const patch = /^\d+\.\d+\.(\d+)/.exec(version)?.[1];
  return { version, patchlevel: patch === undefined ? 0 : Number(patch) };
}
