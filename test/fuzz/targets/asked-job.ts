/**
 * Jobs that wait for another operator's signature, of any content, really signed by who asks: what the approver is shown
 * says what would be signed, and nothing in it can move the cursor or hide a line.
 */
import { describeJob, summarizeJob } from '../../../controller/approval/describe-job.ts';
import { readAskedJob, type AskedJob } from '../../../controller/approval/asked-job.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { encodeBundle } from '../../../shared/wire/approval-bundle.ts';
import { encodeCommand, type Command } from '../../../shared/wire/command.ts';
import { seal } from '../../../shared/wire/envelope.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const askedJob: FuzzTarget = {
  name: 'asked-job',
  about:
    'jobs that wait for a second signature, of any content: the approver sees every action and node, and no control characters',
  sources: [
    'controller/approval/asked-job.ts',
    'controller/approval/describe-job.ts',
    'shared/wire/approval-bundle.ts',
  ],
  maxBytes: 8 * 1024,
  shape: 'tree',
  dictionary:
    'id job kind issued expires startBy target nodes where via action args reply options dryRun timeoutMs crit sealed names data task exec task.run migrate db1 db2 direct all \u001b[2K \u001b[1A \u202e \r \n \u0000 release force'.split(
      ' ',
    ),
  work: { base: 3_000_000, perByte: 5_000 },
  start,
};

const MOST_COMMANDS = 8;
/** What moves the cursor, colours, or turns the direction of reading. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

async function start(): Promise<RunningTarget> {
  const fleet = new FleetMaterial();
  const alice = await fleet.operator('alice');
  const trust = fleet.trust(new ManualClock());
  const command = (changes: Partial<Command>): Command => fleet.command('asked', { action: 'exec', ...changes });
  const seeds = [
    [command({ args: { argv: ['reboot'] } })],
    [
      command({ action: 'task.run', args: { task: 'deploy', args: { release: '1', force: true } } }),
      command({
        action: 'task.run',
        args: { task: 'deploy', args: { release: '1' } },
        target: { nodes: ['db2'], where: 'role=db' },
      }),
    ],
    [
      command({ options: { dryRun: true, timeoutMs: 5 }, via: 'all', target: {} }),
      command({ target: { nodes: ['web1', 'web2'] } }),
    ],
  ];

  return {
    seeds: seeds.map((commands) => encode(commands.map((one) => decode(encodeCommand(one))))),
    run: async (input) => {
      let items: unknown;
      if (codeOf(() => (items = decode(input))) !== 'accepted' || !Array.isArray(items)) return 'no job';
      const payloads = (items as unknown[]).slice(0, MOST_COMMANDS).map((item) => encode(item ?? null));
      const commands = await Promise.all(
        payloads.map((payload) => seal('command', fleet.fleetId, alice, payload, { inlineCredential: true })),
      );
      const { job } = (items[0] ?? {}) as { job?: unknown };
      const subject = fleet.subjects.job('alice', typeof job === 'string' ? job : '');
      let asked: AskedJob | undefined;
      const code = codeOf(() => {
        asked = readAskedJob(
          { subject, data: encodeBundle({ version: 1, kind: 'asked', commands }) },
          { subjects: fleet.subjects, trust },
        );
      });
      if (asked === undefined) return code;
      const lines = describeJob(asked, fleet.now);
      assertShown(lines, asked);
      summarizeJob(asked);
      return `${asked.commands.length} ${lines.length > 6}`;
    },
  };
}

function assertShown(lines: readonly string[], { caller, commands, job }: AskedJob): void {
  promise(!lines.some((line) => CONTROL.test(line)), 'a control character in what the approver reads');
  const text = lines.join('\n');
  promise(text.includes(job) && text.includes(caller.name), 'not told which job, or whose');
  for (const { command } of commands) {
    const { action, args, target } = command;
    const what = action === 'task.run' ? String(args['task']) : action;
    promise(CONTROL.test(what) || text.includes(what), 'something would be signed that is not shown');
    promise(
      target.where === undefined || CONTROL.test(target.where) || text.includes(target.where),
      'a condition that is not shown',
    );
  }
}
