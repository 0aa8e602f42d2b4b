/** What the controller service answered: a service's of this fleet, to this very question, or it's none. */
import { ProtocolError } from '../shared/errors.ts';
import { sha256 } from '../shared/signing.ts';
import { open, type CredentialSource } from '../shared/wire/envelope.ts';
import { decodeServiceAnswer, type ServiceAnswer } from '../shared/wire/service-question.ts';

/** The role that `fleet ca issue service` gives. */
const SERVICE_ROLE = 'controller';

/** @param asked the payload of the question @throws ProtocolError */
export function openServiceAnswer(
  data: Uint8Array,
  asked: Uint8Array,
  trust: CredentialSource & { readonly fleetId: string },
): ServiceAnswer {
  const { payload, signers } = open('service', trust.fleetId, data, trust);
  const { kind, name, roles } = signers[0].credential.body;
  if (kind !== 'service' || !roles.includes(SERVICE_ROLE))
    throw new ProtocolError(`the ${kind} ${name} answered, who is no service`, { code: 'not-a-service' });
  const answer = decodeServiceAnswer(payload);
  if (Buffer.compare(answer.request, sha256(asked)) !== 0)
    throw new ProtocolError('the service answered something else', { code: 'not-asked' });
  return answer;
}
