/**
 * `npm run bench`: what the product costs, as ratios to what is measured beside it in the same run. Ends by itself within
 * minutes, and takes everything down that it has started, also when it's interrupted.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAgentsAtRest } from './agent-at-rest.ts';
import { measureAgentStart } from './agent-start.ts';
import { timeDispatch } from './dispatch.ts';
import { measureDispatch } from './dispatch-runs.ts';
import { startEmbeddedFleet } from './embedded-fleet.ts';
import { measureJoins } from './joins.ts';
import { describeMachine } from './machine.ts';
import { isMet, type Measurement } from './measurement.ts';
import { timePolicyAndAudit } from './policy-and-audit.ts';
import { measurePolicyAndAudit } from './policy-and-audit-runs.ts';
import { programsOf } from './programs.ts';
import { LEFT_OUT, machineLine, tableOf } from './report.ts';
import { measureStartTimes } from './start-times.ts';

const USAGE = `Usage: npm run bench -- [--out FILE] [--strict]

  --out FILE  where the numbers go, as JSON (default: .cache/bench.json)
  --strict    exit 1 when a goal is missed
`;

/** Far beyond what it takes: about two minutes on two cores. */
const GIVE_UP_MS = 5 * 60_000;

/** As esbuild leaves it: dist/bench/main.js. */
const CHECKOUT = resolve(import.meta.dirname, '..', '..');

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      out: { type: 'string', default: resolve(CHECKOUT, '.cache', 'bench.json') },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      // Parts that the benchmark starts as processes of their own.
      dispatch: { type: 'boolean', default: false },
      'dispatch-and-write': { type: 'boolean', default: false },
      'policy-and-audit': { type: 'boolean', default: false },
    },
  });
  const path = process.env['PATH'] ?? '';
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options.dispatch || options['dispatch-and-write']) {
    process.stdout.write(JSON.stringify(await timeDispatch(options['dispatch-and-write'], path)));
    return 0;
  }

  if (options['policy-and-audit']) {
    process.stdout.write(JSON.stringify(await timePolicyAndAudit()));
    return 0;
  }

  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(GIVE_UP_MS)]);
  const natsServer = process.env['FLEET_NATS_SERVER'];
  const programs = programsOf(CHECKOUT, { path, natsServer }, import.meta.filename);
  const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
  try {
    const machine = await describeMachine(programs, CHECKOUT);
    const measurements: Measurement[] = [];
    say('starting six agents and a bus');
    const fleet = await startEmbeddedFleet(programs, signal);
    try {
      say('start times of the command line');
      measurements.push(...(await measureStartTimes(programs, fleet, signal)));
      say('agents at rest (50 s)');
      measurements.push(...(await measureAgentsAtRest(fleet, signal)));
      say('start of an agent');
      measurements.push(...(await measureAgentStart(programs, fleet, signal)));
    } finally {
      await fleet.stop();
    }
    say('dispatch of commands');
    measurements.push(...(await measureDispatch(programs, signal)));
    say('policy and audit');
    measurements.push(...(await measurePolicyAndAudit(programs, signal)));

    say('servers that join');
    measurements.push(...(await measureJoins(programs, signal)));

    mkdirSync(dirname(resolve(options.out)), { recursive: true });
    writeFileSync(
      options.out,
      `${JSON.stringify({ version: 1, at: new Date().toISOString(), machine, measurements, leftOut: LEFT_OUT }, null, 2)}\n`,
    );
    process.stdout.write(
      `\n${machineLine(machine)}\n\n${tableOf(measurements)}\n\nLeft out, or said more precisely:\n${LEFT_OUT.map((line) => `  ${line}\n`).join('')}\n`,
    );
    say(`the numbers are in ${options.out}`);
    return options.strict && measurements.some((measurement) => isMet(measurement) === false) ? 1 : 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say('interrupted; everything is down again');
    return 130;
  }
}

process.exitCode = await main();
