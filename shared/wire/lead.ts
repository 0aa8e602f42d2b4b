/** Whether a service is there that leads batches on: the question is random bytes, the answer has them again, signed. */
import * as z from 'zod';
import { decode, encode } from '../codec.ts';
import { ProtocolError } from '../errors.ts';
import { Moment } from './moment.ts';
import { assertUnderstood, ReservedFields } from './reserved-fields.ts';
import { bytesOf } from './signed-bytes.ts';

export const LEAD_QUESTION_BYTES = 16;

const LeadAnswer = ReservedFields.extend({ question: bytesOf(LEAD_QUESTION_BYTES), at: Moment });
export type LeadAnswer = z.infer<typeof LeadAnswer>;

const LEAD_FIELDS: ReadonlySet<string> = new Set(['question', 'at']);

export function encodeLeadAnswer(answer: LeadAnswer): Uint8Array {
  return encode(answer);
}

/** @throws ProtocolError `malformed`, `not-understood` */
export function decodeLeadAnswer(payload: Uint8Array): LeadAnswer {
  const parsed = LeadAnswer.safeParse(decode(payload));
  if (!parsed.success)
    throw new ProtocolError('not an answer of who leads', { code: 'malformed', cause: parsed.error });
  assertUnderstood(parsed.data, LEAD_FIELDS);
  return parsed.data;
}
