/** A question to the service, as it comes: whose it is, and that it's asked now. What isn't so is not answered. */
import type { Clock } from '../../shared/clock.ts';
import { ProtocolError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256 } from '../../shared/signing.ts';
import { open, type CredentialSource } from '../../shared/wire/envelope.ts';
import { decodeServiceRequest, type ServiceQuestion } from '../../shared/wire/service-question.ts';

const CALLERS: ReadonlySet<string> = new Set(['operator', 'service']);

/** @throws ProtocolError for what nobody of this fleet asks now */
export function openQuestion(
  data: Uint8Array,
  { clock, trust }: { readonly clock: Clock; readonly trust: CredentialSource & { readonly fleetId: string } },
): { readonly question: ServiceQuestion; readonly request: Uint8Array } {
  const { payload, signers } = open('service', trust.fleetId, data, trust);
  const { kind } = signers[0].credential.body;
  if (!CALLERS.has(kind)) throw new ProtocolError(`asked by a ${kind}`, { code: 'not-a-caller' });
  const { expires, issued, question } = decodeServiceRequest(payload);
  const now = clock.now();
  if (issued > now + LIMITS.clockSkewMs || expires <= now - LIMITS.clockSkewMs)
    throw new ProtocolError('asked at another time', { code: 'too-late' });
  return { question, request: sha256(payload) };
}
