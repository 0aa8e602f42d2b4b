/** A frame of a job's record, as it lies on the bus: whose word it is, and that it lies where it was signed for. */
import { ProtocolError } from '../../shared/errors.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { open, type CredentialSource } from '../../shared/wire/envelope.ts';
import { decodeJobFrame, type JobFrame } from '../../shared/wire/job.ts';

const CALLERS: ReadonlySet<string> = new Set(['operator', 'service']);

export interface FrameReader {
  readonly subjects: Subjects;
  readonly fleetId: string;
  readonly credentials: CredentialSource;
}

/** @throws ProtocolError for what isn't its caller's word about this very job */
export function openFrame(
  stored: { readonly subject: string; readonly data: Uint8Array },
  { credentials, fleetId, subjects }: FrameReader,
): JobFrame {
  const { payload, signers } = open('job', fleetId, stored.data, credentials);
  const frame = decodeJobFrame(payload);
  const signer = signers[0].credential.body;
  if (!CALLERS.has(signer.kind))
    throw new ProtocolError(`a credential for a ${signer.kind} has no jobs`, { code: 'not-a-caller' });
  if (
    signer.name !== frame.caller ||
    frame.subject !== stored.subject ||
    subjects.job(frame.caller, frame.job) !== stored.subject
  )
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  return frame;
}
