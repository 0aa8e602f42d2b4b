/** What the trail says of a message about commands that were sent before: it belongs to their job, and names them. */
import { toHex } from '../../shared/signing.ts';
import type { Command } from '../../shared/wire/command.ts';
import { CancelArgs, StatusArgs } from '../../shared/wire/job-message.ts';

/** Undefined of a command, and of a message that says nothing of the kind. */
export function auditedMessage({
  args,
  kind,
}: Command): { readonly job: string; readonly args: Readonly<Record<string, unknown>> } | undefined {
  const read =
    kind === 'cancel' ? CancelArgs.safeParse(args) : kind === 'status' ? StatusArgs.safeParse(args) : undefined;
  if (read?.success !== true) return undefined;
  const { caller, commands, job } = read.data;
  return { job, args: { caller: toHex(caller), commands: commands.map(({ id }) => toHex(id)) } };
}
