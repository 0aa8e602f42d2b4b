import { describe, expect, it } from 'vitest';
import type { FactDocument } from '../../../agent/facts/fact-value.ts';
import { parseGo } from '../../../agent/facts/runtimes/go.ts';
import { parseJava } from '../../../agent/facts/runtimes/java.ts';
import { parseNode } from '../../../agent/facts/runtimes/node.ts';
import { parsePerl } from '../../../agent/facts/runtimes/perl.ts';
import { parsePhp } from '../../../agent/facts/runtimes/php.ts';
import { parsePython } from '../../../agent/facts/runtimes/python.ts';
import { parseRuby } from '../../../agent/facts/runtimes/ruby.ts';

interface Sample {
  readonly parse: (output: string) => FactDocument | undefined;
  readonly output: string;
  readonly facts: FactDocument;
}

/** What the programs print, standard output and standard error together. */
const SAMPLES: Record<string, Sample> = {
  'Ruby that shows its patch level': {
    parse: parseRuby,
    output: 'ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]\n20\n',
    facts: { version: '3.1.2', patchlevel: 20, engine: 'ruby' },
  },
  'Ruby that has to be asked for it': {
    parse: parseRuby,
    output: 'ruby 3.2.2 (2023-03-30 revision e51014f9c0) +YJIT [x86_64-linux]\n53\n',
    facts: { version: '3.2.2', patchlevel: 53, engine: 'ruby' },
  },
  'Ruby whose answer is lost': {
    parse: parseRuby,
    output: 'ruby 2.7.0p0 (2019-12-25 revision 647ee6f091) [x86_64-linux]\n',
    facts: { version: '2.7.0', patchlevel: 0, engine: 'ruby' },
  },
  'Ruby of the old days': {
    parse: parseRuby,
    output: 'ruby 1.8.7 (2011-06-30 patchlevel 352) [x86_64-linux]\n',
    facts: { version: '1.8.7', patchlevel: 352, engine: 'ruby' },
  },
  'Ruby before its release, with a warning first': {
    parse: parseRuby,
    output: 'ruby 3.4.0preview1 (2024-05-16 master 9d69619623) [x86_64-linux]\n-1\n\nwarning: x\n',
    facts: { version: '3.4.0', patchlevel: -1, engine: 'ruby' },
  },
  JRuby: {
    parse: parseRuby,
    output: 'jruby 9.4.5.0 (3.1.4) 2023-11-02 1abae2700f OpenJDK 64-Bit Server VM 17.0.9+8 +jit [x86_64-linux]\n0\n',
    facts: { version: '3.1.4', patchlevel: 0, engine: 'jruby', engineVersion: '9.4.5.0' },
  },
  TruffleRuby: {
    parse: parseRuby,
    output: 'truffleruby 23.1.1, like ruby 3.2.2, Oracle GraalVM Native [x86_64-linux]\n53\n',
    facts: { version: '3.2.2', patchlevel: 53, engine: 'truffleruby', engineVersion: '23.1.1' },
  },
  'Node.js': { parse: parseNode, output: 'v20.20.2\n', facts: { version: '20.20.2', patchlevel: 2 } },
  'Node.js of last night': {
    parse: parseNode,
    output: 'v23.0.0-nightly20240723bf8a91\n',
    facts: { version: '23.0.0-nightly20240723bf8a91', patchlevel: 0 },
  },
  'Python 3': {
    parse: parsePython,
    output: 'Python 3.11.7\n',
    facts: { version: '3.11.7', patchlevel: 7, implementation: 'cpython' },
  },
  'Python 2, on standard error': {
    parse: parsePython,
    output: '\nPython 2.7.18\n',
    facts: { version: '2.7.18', patchlevel: 18, implementation: 'cpython' },
  },
  'Python before its release': {
    parse: parsePython,
    output: 'Python 3.13.0rc2+\n',
    facts: { version: '3.13.0rc2', patchlevel: 0, implementation: 'cpython' },
  },
  PyPy: {
    parse: parsePython,
    output: 'Python 3.10.13 (fc59e61cfbff, Jan 17 2024, 05:35:45)\n[PyPy 7.3.15 with GCC 10.2.1 20210130]\n',
    facts: { version: '3.10.13', patchlevel: 13, implementation: 'pypy' },
  },
  'Java 17': {
    parse: parseJava,
    output:
      '\nopenjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)\nOpenJDK 64-Bit Server VM (build 17.0.15+6-Debian-1deb12u1, mixed mode, sharing)\n',
    facts: { version: '17.0.15', patchlevel: 15, build: '17.0.15+6-Debian-1deb12u1' },
  },
  'Java 8': {
    parse: parseJava,
    output:
      'java version "1.8.0_392"\nJava(TM) SE Runtime Environment (build 1.8.0_392-b08)\nJava HotSpot(TM) 64-Bit Server VM (build 25.392-b08, mixed mode)\n',
    facts: { version: '1.8.0_392', patchlevel: 392, build: '1.8.0_392-b08' },
  },
  'the first release of a Java, with options announced': {
    parse: parseJava,
    output:
      'Picked up JAVA_TOOL_OPTIONS: -Xmx64m\nopenjdk version "21" 2023-09-19\nOpenJDK Runtime Environment (build 21+35-2513)\n',
    facts: { version: '21', patchlevel: 0, build: '21+35-2513' },
  },
  PHP: {
    parse: parsePhp,
    output: 'PHP 8.2.36 (cli) (built: Nov 18 2026 20:02:04) (NTS)\nCopyright (c) The PHP Group\n',
    facts: { version: '8.2.36', patchlevel: 36 },
  },
  'PHP as packaged by Ubuntu, with a warning first': {
    parse: parsePhp,
    output:
      'PHP Warning:  PHP Startup: Unable to load x\nPHP 7.4.3-4ubuntu2.18 (cli) (built: Feb 23 2023 12:43:23) ( NTS )\n',
    facts: { version: '7.4.3', patchlevel: 3, build: '7.4.3-4ubuntu2.18' },
  },
  'PHP before its release': {
    parse: parsePhp,
    output: 'PHP 8.4.0RC1 (cli) (built: Sep 24 2024 18:01:06) (NTS)\n',
    facts: { version: '8.4.0RC1', patchlevel: 0 },
  },
  Go: { parse: parseGo, output: 'go version go1.22.3 linux/amd64\n', facts: { version: '1.22.3', patchlevel: 3 } },
  'Go without a third number': {
    parse: parseGo,
    output: 'go version go1.19 linux/arm64\n',
    facts: { version: '1.19', patchlevel: 0 },
  },
  'Go before its release': {
    parse: parseGo,
    output: 'go version go1.21rc2 linux/amd64\n',
    facts: { version: '1.21rc2', patchlevel: 0 },
  },
  Perl: {
    parse: parsePerl,
    output:
      '\nThis is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64-linux-gnu-thread-multi\n(with 54 registered patches, see perl -V for more detail)\n',
    facts: { version: '5.36.0', patchlevel: 0 },
  },
  'Perl of the old days': {
    parse: parsePerl,
    output: '\nThis is perl, v5.8.8 built for i386-linux-thread-multi\n',
    facts: { version: '5.8.8', patchlevel: 8 },
  },
};

describe('versions', () => {
  it.each(Object.entries(SAMPLES))('of %s', (_, { parse, output, facts }) => {
    expect(parse(output)).toEqual(facts);
  });

  const PARSERS = { parseRuby, parseNode, parsePython, parseJava, parsePhp, parseGo, parsePerl };
  it.each(Object.entries(PARSERS))('%s finds none in what is no version', (_, parse) => {
    for (const output of ['', '20\n', 'command not found\n', 'pyenv: python3: command not found\n', 'version\n"x"']) {
      expect(parse(output)).toBeUndefined();
    }
  });
});
