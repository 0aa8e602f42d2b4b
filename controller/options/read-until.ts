/** `--until`: how long a command waits for nodes that are away. What doesn't go with it is said before anybody connects. */
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseDuration } from './parse-values.ts';

export interface UntilFlags {
  readonly until?: string;
  readonly online?: boolean;
  readonly deadline?: string;
  readonly withApproval?: boolean;
  readonly approvals?: string;
}

/** @throws UsageError `bad-value`, `needs-record` */
export function readUntil(
  flags: UntilFlags,
  { batch, isRecorded }: { readonly batch: unknown; readonly isRecorded: boolean },
): number | undefined {
  if (flags.until === undefined) return undefined;
  const other =
    (flags.online === true && '--online, which leaves out who is away') ||
    (flags.deadline !== undefined && '--deadline: --until is one') ||
    (batch !== undefined && 'nodes that are started in turns') ||
    ((flags.withApproval === true || flags.approvals !== undefined) && "others' signatures, which end within minutes");
  if (other !== false)
    throw new UsageError(`--until does not go with ${other}`, { code: 'bad-value', hint: 'Leave one of them out.' });
  if (!isRecorded)
    throw new UsageError('what waits for nodes that are away has to be recorded: nobody else hears how it ended', {
      code: 'needs-record',
      hint: 'Leave out --no-record and --dry-run, or --until.',
    });
  return parseDuration(flags.until, '--until', { ms: LIMITS.waitingCommandLifeMs, text: '7d' });
}
