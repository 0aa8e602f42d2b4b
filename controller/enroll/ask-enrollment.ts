/** An operator's questions to the enrolment service: signed, sent, and answered by an issuer of the same fleet, or not at all. */
import { randomBytes } from 'node:crypto';
import type { Bus } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError, ProtocolError, RefusedError, TransportError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256 } from '../../shared/signing.ts';
import type { Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import {
  decodeAdminAnswer,
  encodeAdmin,
  type AdminQuestion,
  type AdminResult,
} from '../../shared/wire/enroll-admin.ts';
import { open, seal, type SignerIdentity } from '../../shared/wire/envelope.ts';

export interface AskDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
  readonly identity: SignerIdentity;
}

/** @throws RefusedError with the service's words; TransportError `no-service`; the signal's reason */
export async function askEnrollment<Type extends AdminResult['type']>(
  question: AdminQuestion,
  expected: Type,
  { bus, clock, subjects, trust, identity }: AskDependencies,
  signal?: AbortSignal,
): Promise<Extract<AdminResult, { type: Type }>> {
  const now = clock.now();
  const payload = encodeAdmin({ id: randomBytes(16), issued: now, expires: now + LIMITS.enrollAnswerMs, question });
  const data = await seal('enroll-admin', trust.fleetId, identity, payload, { inlineCredential: true });
  const answered = await bus
    .request(subjects.enrollAdmin(), data, { timeoutMs: LIMITS.enrollAnswerMs, signal })
    .catch((error: unknown) => {
      throw error instanceof FleetError ? noService(error) : error;
    });
  const opened = open('enroll-admin', trust.fleetId, answered, trust);
  const by = opened.signers[0].credential.body;
  if (by.kind !== 'issuer')
    throw new ProtocolError(`the ${by.kind} ${by.name} answered, who is no issuer`, { code: 'not-an-issuer' });
  const { request, result, code, reason = '' } = decodeAdminAnswer(opened.payload);
  if (Buffer.compare(request, sha256(payload)) !== 0)
    throw new ProtocolError('the enrolment service answered something else', { code: 'not-asked' });
  if (code !== undefined) throw new RefusedError(`the enrolment service refuses: ${reason}`, withHint(code));
  if (result?.type !== expected)
    throw new ProtocolError('the enrolment service answered something else', { code: 'not-asked' });
  return result as Extract<AdminResult, { type: Type }>;
}

function noService(cause: FleetError): TransportError {
  return new TransportError('the enrolment service does not answer', {
    code: 'no-service',
    hint: 'Start `fleet enroll serve` where the issuer of the fleet is, or look at its log: it drops what it can not verify.',
    cause,
  });
}

const HINTS: Readonly<Record<string, string>> = {
  'not-authorized': 'Who keeps the root key gives roles: fleet ca issue operator NAME --role admin',
  'clock-skew': 'Compare the clock of this machine with that of the service.',
  'too-late': 'Compare the clock of this machine with that of the service.',
  'no-such-request': '`fleet enroll list` shows who waits.',
  'unknown-token': '`fleet enroll tokens` shows them.',
  'name-taken':
    'Deny it and have the server join under another name, or take the node off that there is: fleet revoke NAME',
};

function withHint(code: string): { code: string; hint?: string } {
  const hint = HINTS[code];
  return hint === undefined ? { code } : { code, hint };
}
