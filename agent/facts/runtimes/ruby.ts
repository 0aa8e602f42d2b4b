/** Ruby. Its patch level is a number of its own, which `ruby -v` stopped to show with 3.2: the interpreter is asked. */
import type { FactDocument } from '../fact-value.ts';
import type { Runtime } from './runtime.ts';

/** The line of `ruby -v`, then RUBY_PATCHLEVEL on a line; without the second, the patch level of the first. */
export function parseRuby(output: string): FactDocument | undefined {
  const line = /^(ruby|jruby|truffleruby|rbx|rubinius|mruby) (\d[\w.]*)(.*)$/m.exec(output);
  const [, engine, own, rest] = line ?? [];
  if (engine === undefined || own === undefined || rest === undefined) return undefined;
  const [, number, suffix] = /^(\d+(?:\.\d+)*)(.*)$/.exec(own) ?? [];
  if (number === undefined) return undefined;
  const told =
    /^(-?\d+)$/m.exec(output)?.[1] ?? /^p(\d+)/.exec(suffix ?? '')?.[1] ?? /patchlevel (\d+)/.exec(rest)?.[1];
  // Other engines speak a version of Ruby and have one of their own: `jruby 9.4.5.0 (3.1.4)`, `truffleruby 23.1.1, like ruby 3.2.2`.
  const spoken = engine === 'ruby' ? number : /^(?: \(|, like ruby )(\d+(?:\.\d+)+)/.exec(rest)?.[1];
  return {
    version: spoken ?? number,
    ...(told === undefined ? {} : { patchlevel: Number(told) }),
    engine,
    ...(spoken === undefined || engine === 'ruby' ? {} : { engineVersion: own }),
  };
}

export const ruby: Runtime = {
  fact: 'ruby',
  programs: ['ruby'],
  args: ['-v', '-e', 'puts RUBY_PATCHLEVEL'],
  parse: parseRuby,
};
