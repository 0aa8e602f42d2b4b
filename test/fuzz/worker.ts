/** The thread in which a target is fuzzed: counts what runs from before the product is loaded. */
import { parentPort, workerData } from 'node:worker_threads';
import { readBundleScript } from './bundle-script.ts';
import { Coverage } from './coverage.ts';
import { Fuzzer } from './fuzz.ts';
import { Random } from './random.ts';
import { SHARED_HEADER_BYTES, type Report, type WorkerOptions } from './watched-run.ts';

const options = workerData as WorkerOptions;
const header = new Int32Array(options.shared, 0, 2);
const current = new Uint8Array(options.shared, SHARED_HEADER_BYTES);

const coverage = new Coverage((url) => readBundleScript(url, options.folder));
// Loaded now and not above, so that functions that never run are known, too.
const { findTarget } = await import('./targets.ts');
coverage.take();

const target = findTarget(options.target);
const running = await target.start();
let runs = 0;
const fuzzer = new Fuzzer(target, running, {
  coverage,
  random: new Random(options.seed),
  beforeRun: (input) => {
    header[1] = input.length;
    current.set(input.subarray(0, current.length));
    header[0] = ++runs;
  },
});
const until = performance.now() + options.seconds * 1000;
try {
  const outcome = await fuzzer.run(options.stored, () => performance.now() < until);
  const report: Report = { ...outcome, coverage: coverage.reached(target.sources) };
  parentPort?.postMessage(report, []);
} finally {
  coverage.stop();
  await running.stop?.();
}
