/**
 * `npm run fuzz`: mutates inputs of the targets in targets.ts, guided by coverage. What was found to be worth something
 * goes into corpus/, what broke something into crashes/; `npm test` runs both again.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readInputs, replaceCorpus, writeInput } from './corpus.ts';
import type { FuzzTarget } from './target.ts';
import { findTarget, TARGETS } from './targets.ts';
import { runWatched } from './watched-run.ts';

const USAGE = `Usage: npm run fuzz -- [TARGET...] [--seconds N] [--seed N] [--input FILE]

  TARGET       what to fuzz (default: everything, one after the other)
  --seconds N  how long, each (default: 30)
  --seed N     the same changes again (default: another one each time, printed)
  --input FILE run this one input, and say what came of it

Targets:
${TARGETS.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}
`;

const CHECKOUT = resolve(import.meta.dirname, '..', '..');
const FOLDER = resolve(CHECKOUT, 'test', 'fuzz');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      input: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const names = positionals.length > 0 ? positionals : TARGETS.map(({ name }) => name);
  const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name));
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (values.help || unknown.length > 0 || !(seconds >= 0) || !Number.isSafeInteger(seed)) {
    const wrong = unknown.length > 0 ? `there is no target ${unknown.join(', ')}` : 'expected numbers';
    (values.help ? process.stdout : process.stderr).write(values.help ? USAGE : `fuzz: ${wrong}\n\n${USAGE}`);
    return values.help ? 0 : 2;
  }
  let failed = 0;
  for (const name of names) {
    const target = findTarget(name);
    if (values.input === undefined) failed += await fuzz(target, seconds, seed);
    else process.stdout.write(`${name}: ${await runOne(target, values.input)}\n`);
  }
  return failed === 0 ? 0 : 1;
}

/** Gives the number of failures. */
async function fuzz(target: FuzzTarget, seconds: number, seed: number): Promise<number> {
  const { name, maxBytes } = target;
  const stored = (['crashes', 'corpus'] as const).flatMap((kind) => readInputs(FOLDER, kind, name));
  const report = await runWatched({
    target: name,
    maxBytes,
    seconds,
    seed,
    stored: stored.map(({ bytes }) => bytes),
    folder: import.meta.dirname,
  });
  const failures = 'executions' in report ? report.failures : [report];
  for (const { input, what } of failures) {
    const file = relative(CHECKOUT, writeInput(FOLDER, 'crashes', name, input));
    process.stderr.write(`\nfuzz: ${name} failed (${input.length} bytes, seed ${seed}): ${what}\n`);
    process.stderr.write(`  again: npm run fuzz -- ${name} --input ${file}\n`);
  }
  if ('executions' in report) {
    if (failures.length === 0) replaceCorpus(FOLDER, name, report.corpus);
    const { coverage, corpus, executions, outcomes } = report;
    const percent = ((100 * coverage.reached) / Math.max(1, coverage.of)).toFixed(1);
    process.stdout.write(
      `${name.padEnd(16)} ${String(executions).padStart(9)} runs in ${seconds} s (seed ${seed}) · ${percent} % of ` +
        `${target.sources.join(', ')} · ${corpus.length} inputs kept · ${outcomes.length} outcomes · ` +
        `${failures.length} failures\n`,
    );
  }
  return failures.length;
}

async function runOne(target: FuzzTarget, file: string): Promise<string> {
  const running = await target.start();
  try {
    return await running.run(new Uint8Array(readFileSync(resolve(CHECKOUT, file))));
  } finally {
    await running.stop?.();
  }
}

process.exitCode = await main();
