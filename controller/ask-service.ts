/**
 * Asks a controller service, if there is one: signed, sent, and the answer is a service's of this fleet, to this very
 * question, or there is none. Nothing waits for it longer than a moment: all that it says can be found out without it.
 */
import { randomBytes } from 'node:crypto';
import type { Bus } from '../shared/bus.ts';
import type { Clock } from '../shared/clock.ts';
import { FleetError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Subjects } from '../shared/subjects.ts';
import type { TrustStore } from '../shared/trust.ts';
import { seal, type SignerIdentity } from '../shared/wire/envelope.ts';
import { encodeService, type ServiceQuestion, type ServiceResult } from '../shared/wire/service-question.ts';
import { openServiceAnswer } from './open-service-answer.ts';

export interface AskServiceDependencies {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly identity: SignerIdentity;
  readonly subjects: Subjects;
  /** Roots and revocations hold in it. */
  readonly trust: TrustStore;
}

/** Undefined where nobody answers in time, or as it should be. */
export async function askService<Type extends ServiceResult['type']>(
  question: ServiceQuestion,
  expected: Type,
  dependencies: AskServiceDependencies,
): Promise<Extract<ServiceResult, { type: Type }> | undefined> {
  const { bus, clock, identity, subjects, trust } = dependencies;
  const now = clock.now();
  const payload = encodeService({ id: randomBytes(16), issued: now, expires: now + LIMITS.serviceAnswerMs, question });
  try {
    const data = await seal('service', trust.fleetId, identity, payload, { inlineCredential: true });
    const answer = await bus.request(subjects.resolve(), data, { timeoutMs: LIMITS.serviceAnswerMs });
    const { result } = openServiceAnswer(answer, payload, trust);
    return result?.type === expected ? (result as Extract<ServiceResult, { type: Type }>) : undefined;
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}
