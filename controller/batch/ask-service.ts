/** Who would lead a batch on: asks for a service, and has one take a batch over. */
import { randomBytes } from 'node:crypto';
import type { Bus, Subscription } from '../../shared/bus.ts';
import { FleetError, ProtocolError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { jobStream } from '../../shared/streams.ts';
import type { Subjects } from '../../shared/subjects.ts';
import { open, type CredentialSource } from '../../shared/wire/envelope.ts';
import { decodeLeadAnswer, LEAD_QUESTION_BYTES } from '../../shared/wire/lead.ts';
import { maySignFor, openFrame } from '../job/open-frame.ts';

export interface AskServiceDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly trust: CredentialSource & { readonly fleetId: string };
}

/** Its name; undefined where none is there, or none that may. */
export async function findService({ bus, subjects, trust }: AskServiceDependencies): Promise<string | undefined> {
  const question = new Uint8Array(randomBytes(LEAD_QUESTION_BYTES));
  try {
    const answer = await bus.request(subjects.leadQuestion(), question, { timeoutMs: LIMITS.leadAnswerMs });
    return openLeadAnswer(answer, question, trust);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

/** The name of who answered. @throws ProtocolError where that isn't a service that may lead, to this question */
export function openLeadAnswer(
  answer: Uint8Array,
  question: Uint8Array,
  trust: AskServiceDependencies['trust'],
): string {
  const { payload, signers } = open('lead', trust.fleetId, answer, trust);
  const { body } = signers[0].credential;
  if (!maySignFor(body))
    throw new ProtocolError(`the ${body.kind} ${body.name} may lead nothing`, { code: 'not-a-service' });
  if (Buffer.compare(decodeLeadAnswer(payload).question, question) !== 0)
    throw new ProtocolError('the service answered something else', { code: 'not-asked' });
  return body.name;
}

/** Resolves with the service that has taken the job, as its record says; without, where none has for some time. */
export async function awaitTaker(
  { caller, job }: { readonly caller: string; readonly job: string },
  { bus, fleet, subjects, trust }: AskServiceDependencies,
): Promise<string | undefined> {
  const subject = subjects.job(caller, job);
  let timer: NodeJS.Timeout | undefined;
  let following: Subscription | undefined;
  const taken = new Promise<string | undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LIMITS.leadTakenMs);
    const take = (stored: { readonly subject: string; readonly data: Uint8Array }): void => {
      const frame = readFrame(stored, { subjects, fleetId: trust.fleetId, credentials: trust });
      if (frame?.type === 'taken') resolve(frame.by);
    };
    bus.follow(jobStream(fleet), subject, take).then(
      (subscription) => (following = subscription),
      () => resolve(undefined),
    );
  });
  try {
    return await taken;
  } finally {
    clearTimeout(timer);
    following?.close();
  }
}

function readFrame(...args: Parameters<typeof openFrame>): ReturnType<typeof openFrame> | undefined {
  try {
    return openFrame(...args);
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}
