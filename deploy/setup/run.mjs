/**
 * Runs one program of the set-up: without a terminal, its output kept back and shown only if it fails. Ends it when
 * the set-up itself is told to end, so that nothing goes on installing behind the next run's back.
 */
import { spawn } from 'node:child_process';

/** Output kept for the report of a failure, in characters, and how many lines of its two ends are shown. */
const KEPT = 64_000;
const SHOWN_LINES = 12;

/** A step that failed for a reason that a person can do something about: the message says what. */
export class SetupError extends Error {}

/** @param {string} text One line for people. */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/**
 * Told the id of each program that runs: the lock is held for as long as one of them does.
 * @typedef {(pid: number) => Promise<void>} Started
 */

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, started?: Started }} [options] `env` is added to this
 *   process's own.
 * @returns {Promise<void>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(0, KEPT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);

    /** @type {NodeJS.Signals | undefined} */
    let interrupted;
    const forward = (/** @type {NodeJS.Signals} */ signal) => {
      interrupted = signal;
      child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, forward);

    const finish = (/** @type {Error | undefined} */ error) => {
      for (const signal of SIGNALS) process.off(signal, forward);
      if (interrupted !== undefined) reject(new Interrupted(interrupted));
      else if (error !== undefined) reject(error);
      else resolve();
    };
    if (child.pid !== undefined) void options.started?.(child.pid);
    child.on('error', (error) => finish(new SetupError(`${program} does not start: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return finish(undefined);
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      finish(new SetupError(`\`${[program, ...args].join(' ')}\` failed with ${how}:\n${ends(output)}`));
    });
  });
}

/** @param {string} output */
function ends(output) {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= 2 * SHOWN_LINES) return lines.join('\n');
  return [...lines.slice(0, SHOWN_LINES), '…', ...lines.slice(-SHOWN_LINES)].join('\n');
}

/** @type {readonly NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The set-up was told to end while a program ran; the program has ended by now. */
export class Interrupted extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(signal);
    this.signal = signal;
  }
}
