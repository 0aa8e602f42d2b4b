/**
 * A node that is a member of the fleet, signs well, and says nonsense: whatever it answers, the command line ends as it
 * would with any other answer, and the terminal is safe.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../shared/codec.ts';
import { sha256 } from '../../shared/signing.ts';
import { decodeCommand } from '../../shared/wire/command.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeResult, type Result } from '../../shared/wire/result.ts';
import { Attacker } from '../support/attacker.ts';
import { startEmbeddedFleet, type EmbeddedFleet } from '../support/embedded-fleet.ts';
import { FORMATS } from '../../controller/render/formats.ts';

const TASKS = join(import.meta.dirname, '..', '..', 'deploy', 'examples', 'embedded', 'tasks', 'common');
/** Titles, clears, colours, a carriage return, a turned direction, a zero byte. */
const STEERING = '\u001B]0;owned\u0007\u001B[2J\u009B31m\r\u202Eevil\u0000';

// eslint-disable-next-line no-control-regex
const ACTS_ON_TERMINAL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/;

describe('a node that answers nonsense', () => {
  let fleet: EmbeddedFleet;
  let attacker: Attacker;
  /** What the next answers are. */
  let answer: Partial<Result> = {};
  beforeAll(async () => {
    fleet = await startEmbeddedFleet({ liar: { tasks: TASKS }, web1: { facts: { role: 'web' } } });
    attacker = await Attacker.start(fleet);
    const liar = fleet.identity('liar');
    await fleet.endAgent('liar');
    const reply = async (message: Uint8Array): Promise<void> => {
      const [, payload] = decode(message) as [number, Uint8Array];
      const { id, job } = decodeCommand(payload);
      const result = {
        id,
        job,
        command: sha256(payload),
        node: 'liar',
        seq: 0,
        now: Date.now(),
        kind: 'result',
        state: 'ok',
      } as const;
      const data = await seal('result', liar.fleetId, liar, encodeResult({ ...result, ...answer }), {
        inlineCredential: true,
      });
      attacker.bus.publish(`fleet.main.res.operator.${job}.liar`, data);
    };
    for (const subject of ['fleet.main.cmd.node.liar', 'fleet.main.cmd.all'])
      attacker.bus.subscribe(subject, { callback: (_error, { data }) => void reply(Uint8Array.from(data)) });
    await attacker.bus.flush();
  });
  afterAll(async () => {
    await attacker.stop();
    await fleet.stop();
  });

  const COMMANDS = [
    ['ping'],
    ['find'],
    ['facts'],
    ['facts', 'role', 'x.*'],
    ['inventory', 'liar'],
    ['ps'],
    ['ps', '--expect', '1..'],
    ['kill', '--all', 'nothing'],
    ['kill', '--all', 'nothing', '--dry-run'],
    ['exec', '--all', '--', 'true'],
    ['run', '--node', 'liar', 'deploy'],
  ];
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  const ANSWERS: Partial<Result>[] = [
    {},
    { data: [1, [2]] },
    { data: { processes: 'x', count: -1, signalled: { a: 1 }, gone: [null], spared: [1], stdout: 7, facts: [], agent: 0 } },
    { data: { processes: [null, 'x', { pid: 'y', name: [], started: 1 }], count: 'many', signalled: [{}], stdout: { a: 1 } } },
    { data: JSON.parse(`{"__proto__": {"polluted": 1}, "constructor": 1, "toString": 2, "": 3, "role": {"__proto__": 4}}`) },
    { data: { role: nested(20), 'x.y': nested(20), stdout: 'x'.repeat(100_000), facts: { a: nested(20) } } },
    { data: { [STEERING]: STEERING, role: STEERING, stdout: STEERING, stderr: STEERING, processes: [{ name: STEERING, command: STEERING }] } },
    { state: 'failed', code: STEERING, reason: `${STEERING}\n${STEERING}`, data: { stdout: STEERING } },
    { state: 'skipped', reason: 'x'.repeat(4096) },
  ]; // prettier-ignore

  it.each(ANSWERS.map((given, at) => ({ at, given })))('ends as any other does: answer $at', async ({ at, given }) => {
    answer = given;
    const AT_ONCE = 6;
    const outcomes: object[] = [];
    const exits = given.state === undefined ? [0, 3] : [3, 4];
    const ended = async (command: readonly string[], index: number): Promise<object> => {
      const format = FORMATS[(index + at) % FORMATS.length]!;
      const { exit, stdout, stderr } = await fleet.run(command[0]!, '-o', format, ...command.slice(1));
      // CSV into a pipe is exact, for programs; everything else writes out what a terminal would act on.
      const isSafe = !ACTS_ON_TERMINAL.test(stderr) && (format === 'csv' || !ACTS_ON_TERMINAL.test(stdout));
      const isExpected = exit !== null && exits.includes(exit) && !stderr.includes('internal error');
      return { line: command.join(' '), format, isSafe, ...(isExpected ? {} : { exit, stdout, stderr }) };
    };
    for (let from = 0; from < COMMANDS.length; from += AT_ONCE) {
      const some = COMMANDS.slice(from, from + AT_ONCE);
      outcomes.push(...(await Promise.all(some.map((command, index) => ended(command, from + index)))));
    }
    expect(outcomes).toEqual(
      COMMANDS.map((command) => ({ line: command.join(' '), format: expect.any(String) as string, isSafe: true })),
    );
  });
});
