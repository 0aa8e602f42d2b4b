/**
 * A job that waits for another operator's signature, as its own signed bytes have it: nothing here comes from a
 * description of it, and whatever doesn't hold isn't there.
 */
import { ProtocolError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { toHex } from '../../shared/signing.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import { decodeBundle } from '../../shared/wire/approval-bundle.ts';
import { decodeCommand, type Command } from '../../shared/wire/command.ts';
import type { CredentialBody } from '../../shared/wire/credential.ts';
import { open, type OpenedEnvelope } from '../../shared/wire/envelope.ts';

export interface AskedCommand {
  readonly command: Command;
  readonly opened: OpenedEnvelope;
}

export interface AskedJob {
  readonly job: string;
  readonly caller: CredentialBody;
  /** One or more, all of the caller and of this job. */
  readonly commands: readonly [AskedCommand, ...AskedCommand[]];
  /** When the first was signed, and until when all of them hold: milliseconds since the epoch. */
  readonly issued: number;
  readonly expires: number;
}

/** How long its caller still waits, as that sees it: then nothing is sent any more. */
export const leftMs = ({ expires }: AskedJob, now: number): number => expires - LIMITS.approvalMarginMs - now;

/**
 * @param stored as it lies on the bus
 * @returns undefined for what isn't asked, but an answer
 * @throws ProtocolError for what isn't what it says
 */
export function readAskedJob(
  stored: { readonly subject: string; readonly data: Uint8Array },
  { subjects, trust }: { subjects: Subjects; trust: TrustStore },
): AskedJob | undefined {
  const bundle = decodeBundle(stored.data);
  if (bundle.kind !== 'asked') return undefined;
  const commands = bundle.commands.map((bytes): AskedCommand => {
    const opened = open('command', trust.fleetId, bytes, trust);
    return { opened, command: decodeCommand(opened.payload) };
  });
  const [first, ...others] = commands;
  if (first === undefined) throw new ProtocolError('nothing is asked', { code: 'malformed' });
  const { job } = first.command;
  const [caller] = first.opened.signers;
  const { body, hash } = caller.credential;
  const isOfOne = commands.every(
    ({ command, opened }) =>
      command.job === job && command.kind === 'command' && toHex(opened.signers[0].credential.hash) === toHex(hash),
  );
  if (!isOfOne) throw new ProtocolError('commands of several jobs or callers in one', { code: 'malformed' });
  if (stored.subject !== subjects.job(body.name, job))
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  return {
    job,
    caller: body,
    commands: [first, ...others],
    issued: Math.min(...commands.map(({ command }) => command.issued)),
    expires: Math.min(...commands.map(({ command }) => Math.min(command.expires, command.startBy))),
  };
}
