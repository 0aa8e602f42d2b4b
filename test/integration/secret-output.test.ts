/** Secrets in what real programs print: in the forms that the usual tools write, across chunks, at the edges of what is kept. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActionContext, ActionOutcome } from '../../agent/actions/action.ts';
import { execAction } from '../../agent/actions/exec.ts';
import { ownPrograms } from '../../agent/process/programs.ts';
import { Users } from '../../agent/process/users.ts';
import { createSecrets } from '../../agent/secrets/secrets.ts';
import type { ProgramOutcome } from '../../shared/actions/exec.ts';
import { systemClock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { waitFor } from '../support/wait-for.ts';

const exec = execAction(ownPrograms({ users: new Users(), clock: systemClock, graceMs: 1_000 }));
const REDACTED = '[redacted]';
/** Whatever has to be quoted, escaped or encoded somewhere. */
const HARD = `pä55 w0rd'"\\$&<>/+?=%;\`#~!`;
const LINES = `-----BEGIN KEY-----\n${Buffer.from('x'.repeat(90)).toString('base64')}\nq"uote'd\n-----END KEY-----\n`;

let cancel: AbortController;
beforeEach(() => void (cancel = new AbortController()));
afterEach(() => cancel.abort('cancelled'));

async function run(secret: string, argv: string[], given: object = {}): Promise<ActionOutcome<ProgramOutcome>> {
  const context = { job: 'j', dryRun: false, signal: cancel.signal, secrets: createSecrets({ S: secret }) };
  const input = { argv, env: { PATH: process.env['PATH'] ?? '' }, ...given };
  return (await exec.run(input, context as unknown as ActionContext)) as ActionOutcome<ProgramOutcome>;
}
const script = (text: string): string[] => [process.execPath, '-e', text];

describe.each([
  ['of one line', HARD],
  ['of several lines', LINES],
  ['as passwords are', 'correct-Horse.7'],
])('a secret %s', (_name, secret) => {
  it.each<[string, string[]]>([
    ['as it is', ['sh', '-c', 'printf %s "$S"']],
    ['in the environment', ['env']],
    ['traced by sh', ['sh', '-xc', ': "$S"']],
    ['traced by bash', ['bash', '-xc', ': "$S"; x=$S; [ "$x" = "$S" ]']],
    ['in base64', ['sh', '-c', 'printf %s "$S" | base64']],
    ['in base64 without lines', ['sh', '-c', 'printf %s "$S" | base64 -w 0']],
    ['in base64 by openssl', ['sh', '-c', 'printf %s "$S" | openssl base64']],
    ['echoed into base64', ['sh', '-c', 'echo "$S" | base64']],
    ['in JSON', script('console.log(JSON.stringify(process.env.S), JSON.stringify({a: [process.env.S]}))')],
    ['in a URL', script('console.log("/?a=" + encodeURIComponent(process.env.S) + "&b=1")')],
    ['in a form', script('console.log(new URLSearchParams({a: process.env.S, b: 1}).toString())')],
    ['in hex', script('console.log(Buffer.from(process.env.S).toString("hex"))')],
    ['byte by byte', script('const b = Buffer.from(process.env.S); let i = 0; const f = () => i < b.length && (process.stdout.write(b.subarray(i, ++i)), setImmediate(f)); f()')],
  ])('printed %s is not in what is answered', async (_how, argv) => {
    const outcome = await run(secret, argv);
    expect(outcome).toMatchObject({ state: 'ok' });
    const { stdout, stderr } = outcome.data!;
    expect(stdout + stderr).toContain(REDACTED);
    const told = JSON.stringify(outcome);
    for (const form of formsOf(secret)) expect(told).not.toContain(form);
  }); // prettier-ignore
});

describe('an authorization header, in which a secret stands with a name', () => {
  it.each(['a', 'ab', 'abc', 'abcd'])('of the user %s is not answered', async (user) => {
    const secret = 'correct-Horse.7';
    const argv = script(`console.log('Basic ' + Buffer.from('${user}:' + process.env.S).toString('base64'))`);
    const { stdout } = (await run(secret, argv)).data!;
    expect(stdout).toContain(REDACTED);
    const left = Buffer.from(stdout.replace('Basic ', '').replace(REDACTED, ''), 'base64').toString('latin1');
    for (let at = 0; at + 4 <= secret.length; at++) expect(left).not.toContain(secret.slice(at, at + 4));
  });
});

describe('an output that is too long', () => {
  const half = LIMITS.outputBytes / 2;

  it('is cut where no part of a secret is seen, wherever that stands', async () => {
    const secret = 'correct-Horse.7';
    const edges = [0, 1, 5, 9, 14, 15, 16].flatMap((back) => [half - back, 3 * half - back]);
    const argv = script(
      `let at = 0; for (const edge of ${JSON.stringify(edges.toSorted((a, b) => a - b))}) {
         if (edge > at) process.stdout.write('x'.repeat(edge - at));
         process.stdout.write(process.env.S); at = Math.max(edge, at) + process.env.S.length;
       } process.stdout.write('x'.repeat(3 * ${half}))`,
    );
    const { stdout, truncated } = (await run(secret, argv)).data!;
    expect(truncated?.stdout).toBeGreaterThan(0);
    for (let at = 0; at + 3 <= secret.length; at++) expect(stdout).not.toContain(secret.slice(at, at + 3));
  });
});

describe('a program that fails, or is stopped', () => {
  it('has its last line quoted without the secret', async () => {
    const outcome = await run('correct-Horse.7', ['sh', '-c', 'echo "can not log in with $S" >&2; exit 3']);
    expect(outcome).toMatchObject({ state: 'failed', reason: `exit 3: can not log in with ${REDACTED}` });
  });

  it('in the midst of a secret has shown nothing of it', async () => {
    const running = run('correct-Horse.7', ['sh', '-c', 'printf "begun correct-Ho" >&2; printf ready; exec sleep 60']);
    const isPrinted = waitForOutput();
    await isPrinted;
    cancel.abort('timeout');
    const outcome = await running;
    expect(outcome).toMatchObject({ state: 'timeout', data: { stdout: 'ready', stderr: `begun ${REDACTED}` } });
  });

  /** The program's `sleep` runs when everything before it was printed. */
  async function waitForOutput(): Promise<void> {
    const { readdirSync, readFileSync } = await import('node:fs');
    const own = `\0PPid:\t${process.pid}\n`;
    const isSleeping = (pid: string): boolean => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return status.startsWith('Name:\tsleep\n') && status.includes(own.slice(1));
      } catch {
        return false;
      }
    };
    await waitFor(() => readdirSync('/proc').some((name) => /^\d+$/.test(name) && isSleeping(name)), {
      what: 'the program to have printed',
    });
  }
});

/** What must be nowhere, computed another way than the product does. */
function formsOf(secret: string): string[] {
  const lines = secret.split('\n').filter((line) => line.length > 8);
  const base64 = Buffer.from(secret).toString('base64');
  const forms = [secret, ...lines, base64, base64.slice(0, 12), encodeURIComponent(secret), JSON.stringify(secret)];
  return [...forms, Buffer.from(secret).toString('hex'), ...lines.map((line) => JSON.stringify(line).slice(1, -1))];
}
