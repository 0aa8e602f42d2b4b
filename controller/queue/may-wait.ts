/** Whether a command can wait for nodes that are away: found before anything is signed. */
import { UsageError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import { momentText } from '../render/durations.ts';
import type { RunOptions } from '../run-plan.ts';

/** @throws UsageError `needs-record`, `bad-value`, `credential-ends` */
export function assertMayWait(
  untilMs: number,
  isRecorded: boolean,
  { approval, batch, deadlineMs }: Pick<RunOptions, 'approval' | 'batch' | 'deadlineMs'>,
  { credential }: Identity,
  now: number,
): void {
  if (!isRecorded)
    throw new UsageError('what waits for nodes that are away has to be recorded: nobody else hears how it ended', {
      code: 'needs-record',
      hint: 'Leave out --no-record and --dry-run, or --until.',
    });
  if (!(untilMs > 0) || untilMs > LIMITS.waitingCommandLifeMs)
    throw new UsageError('a command waits for at most 7 days', { code: 'bad-value', hint: 'Write it as --until 24h.' });
  const [other] = [
    ...(batch === undefined ? [] : ['nodes that are started in turns']),
    ...(approval === undefined ? [] : ["others' signatures, which end within minutes"]),
    ...(deadlineMs === undefined ? [] : ['a deadline of the whole: --until is one']),
  ];
  if (other !== undefined)
    throw new UsageError(`waiting for nodes that are away does not go with ${other}`, {
      code: 'bad-value',
      hint: 'Leave out --until, or the other.',
    });
  // Nodes drop what is signed with a credential that has ended by then.
  const end = credential.body.notAfter;
  if (now + untilMs > end)
    throw new UsageError(`your credential ends at ${momentText(new Date(end).toISOString())} UTC, before that command would`, {
      code: 'credential-ends',
      hint: 'Have it wait for a shorter time, or have your credential renewed: fleet ca renew operator NAME.',
    }); // prettier-ignore
}
