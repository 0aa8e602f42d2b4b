/**
 * Loads a bundled script together with what V8 made of it before: compiling a thousand kilobytes at each start takes longer
 * than most commands. The first of each command that ends well keeps it, beside the script, where the script's owner alone
 * can write; whoever can't goes without. The bundler puts this in the place of `import('./program.ts')`.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname } from 'node:path';
import vm from 'node:vm';

type Script = (...names: readonly unknown[]) => void;

/**
 * @param file In ASCII: the expression of a function with the parameters of a CommonJS module. Its name has to change with
 *   its content, of which V8 compares no more than the length.
 */
export function loadCompiled(file: string): Record<string, unknown> {
  const module = { exports: {} };
  const run = (script: Script): void => script(module.exports, createRequire(file), module, file, dirname(file));
  const text = readFileSync(file, 'latin1');
  if (process.sourceMapsEnabled) return loadWithLines(file, text);
  const kept = `${file}.${process.versions.v8}.${commandWord(process.argv[2])}.cache`;
  const cachedData = readIfThere(kept);
  const script = new vm.Script(text, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
  run(script.runInThisContext() as Script);
  if (cachedData === undefined || script.cachedDataRejected === true)
    process.once('exit', (code) => {
      if (code === 0) keep(kept, script.createCachedData());
    });
  return module.exports;
}

/** V8 keeps what has run: for one command that is a part of all there is, and what it loads again is smaller by that. */
const commandWord = (word: string | undefined): string => (/^[a-z]{1,16}$/.test(word ?? '') ? `${word}` : 'any');

/** Node's own loader alone looks for the lines of the sources; it puts a function round a module by itself. */
function loadWithLines(file: string, text: string): Record<string, unknown> {
  const module = new Module(file) as Module & { _compile(text: string, file: string): void };
  const end = text.lastIndexOf('})');
  /* oxlint-disable-next-line no-underscore-dangle -- Node's name for what it offers to those who transform sources */
  module._compile(text.slice(text.indexOf('{') + 1, end) + text.slice(end + 2), file);
  return module.exports as Record<string, unknown>;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** In one step, and on the disk before it has its name: half of it would be worse than none. */
function keep(path: string, data: Buffer): void {
  const fresh = `${path}.${process.pid}`;
  try {
    const file = openSync(fresh, 'wx', 0o644);
    try {
      writeSync(file, data);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  } catch {
    rmSync(fresh, { force: true });
  }
}
