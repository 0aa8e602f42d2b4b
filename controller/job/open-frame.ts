/** A frame of a job's record, as it lies on the bus: whose word it is, and that it lies where it was signed for. */
import { ProtocolError } from '../../shared/errors.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { open, type CredentialSource } from '../../shared/wire/envelope.ts';
import type { CredentialBody } from '../../shared/wire/credential.ts';
import { decodeJobFrame, type JobFrame } from '../../shared/wire/job.ts';

/** Of a service that may lead the jobs of others. */
const LEADER_ROLE = 'controller';
/** What nobody else may say. */
const CALLERS_OWN: ReadonlySet<string> = new Set(['begun', 'cancelled']);
const CALLERS: ReadonlySet<string> = new Set(['operator', 'service']);

export interface FrameReader {
  readonly subjects: Subjects;
  readonly fleetId: string;
  readonly credentials: CredentialSource;
}

/** @throws ProtocolError for what isn't the word of its caller, or of who leads it, about this very job */
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
    !maySign(signer, frame) ||
    frame.subject !== stored.subject ||
    subjects.job(frame.caller, frame.job) !== stored.subject
  )
    throw new ProtocolError('stored under another subject than it was signed for', { code: 'misrouted' });
  return frame;
}

/** What was asked, and that it's wanted no more, is its caller's own to say; how it went on, a service's, too. */
function maySign({ kind, name, roles }: CredentialBody, { by, caller, type }: JobFrame): boolean {
  if (by === undefined) return name === caller;
  return by === name && !CALLERS_OWN.has(type) && maySignFor({ kind, roles });
}

/** Whether it may lead the jobs of others. */
export const maySignFor = ({ kind, roles }: Pick<CredentialBody, 'kind' | 'roles'>): boolean =>
  kind === 'service' && roles.includes(LEADER_ROLE);
