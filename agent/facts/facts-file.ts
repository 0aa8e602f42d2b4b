/** One file of facts.d as a collector: read if it's JSON or YAML, run if it's anything else. */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { LIMITS } from '../../shared/limits.ts';
import type { FolderCollector } from './collector.ts';
import { FactProblem, type FactDocument } from './fact-value.ts';
import { parseJsonFacts, parsePrintedFacts, parseYamlFacts } from './parse-facts.ts';
import { runProgram, type ProgramResult } from './run-program.ts';

const DATA_FILE = /\.(json|ya?ml)$/;
/** `queue.volatile.sh`, `sessions.volatile.json`: all its facts change by the minute. */
const VOLATILE_FILE = /\.volatile(?:\.[^.]+)?$/;

export function isDataFile(name: string): boolean {
  return DATA_FILE.test(name);
}

export function dataCollector(source: string, stats: Stats): FolderCollector {
  return {
    ...described(source, stats),
    refreshMs: 60_000,
    timeoutMs: LIMITS.factProgramMs,
    spawns: false,
    collect: async () => {
      const text = await readBounded(source);
      return source.endsWith('.json') ? parseJsonFacts(text) : parseYamlFacts(text);
    },
  };
}

export function programCollector(source: string, stats: Stats, env: Readonly<Record<string, string>>): FolderCollector {
  return {
    ...described(source, stats),
    refreshMs: 5 * 60_000,
    timeoutMs: LIMITS.factProgramMs,
    spawns: true,
    collect: async (signal) => {
      const result = await runProgram([source], { env, maxBytes: LIMITS.factFileBytes, signal });
      if (result.exit !== 0) throw new FactProblem(`ended with ${ending(result)}`);
      return printedFacts(result.stdout);
    },
  };
}

async function printedFacts(text: string): Promise<FactDocument> {
  try {
    return await parsePrintedFacts(text);
  } catch (error) {
    if (error instanceof FactProblem) throw new FactProblem(`ran, but its output ${error.message}`);
    throw error;
  }
}

function described(source: string, stats: Stats) {
  const name = basename(source);
  return {
    name: `facts.d/${name}`,
    source,
    owns: [],
    volatile: [],
    isVolatile: VOLATILE_FILE.test(name),
    identity: [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(':'),
  };
}

/** Neither follows a link that has taken the file's place, nor waits for the writer of a pipe. */
async function readBounded(source: string): Promise<string> {
  const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new FactProblem('is no regular file');
    const buffer = Buffer.alloc(LIMITS.factFileBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = (await file.read(buffer, length, buffer.length - length)).bytesRead;
    }
    if (length > LIMITS.factFileBytes) throw new FactProblem(`is larger than ${LIMITS.factFileBytes} bytes`);
    return buffer.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

function ending(result: ProgramResult): string {
  const how = result.signal === null ? `exit code ${result.exit}` : `signal ${result.signal}`;
  const said = result.stderr.trim().split('\n', 1)[0]?.slice(0, LIMITS.reasonLineLength);
  return said ? `${how}: ${said}` : how;
}
