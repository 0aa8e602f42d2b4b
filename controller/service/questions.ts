/**
 * Operators' questions to the service: verified, fresh, answered, signed. Several services share them, each question goes
 * to one. What can't be verified isn't answered; who has no answer within a moment reads for himself.
 */
import type { BusMessage, Subscription } from '../../shared/bus.ts';
import { FleetError, ProtocolError, RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { sha256 } from '../../shared/signing.ts';
import { open, seal } from '../../shared/wire/envelope.ts';
import { decodeServiceRequest, encodeService, type ServiceAnswer } from '../../shared/wire/service-question.ts';
import { answerQuestion, refusalOf } from './answer-question.ts';
import type { Counter } from './metrics.ts';
import type { PartHealth, ServiceContext, ServicePart } from './part.ts';

const QUEUE = 'service';
const CALLERS: ReadonlySet<string> = new Set(['operator', 'service']);

export class Questions implements ServicePart {
  readonly name = 'questions';
  readonly #context: ServiceContext;
  readonly #answered: Counter;
  readonly #waiting: BusMessage[] = [];
  readonly #running = new Set<Promise<void>>();
  #subscription: Subscription | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#answered = context.metrics.counter('fleet_questions_total', 'Questions of operators, by what came of them.');
  }

  async start(): Promise<void> {
    const { bus, subjects } = this.#context;
    this.#subscription?.close();
    this.#subscription = bus.subscribe(subjects.resolve(), (message) => this.#take(message), { queue: QUEUE });
    await bus.flush();
  }

  health(): PartHealth {
    return { ok: true };
  }

  async stop(): Promise<void> {
    this.#subscription?.close();
    this.#waiting.length = 0;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #take(message: BusMessage): void {
    if (message.reply === undefined) return;
    if (this.#waiting.length >= LIMITS.serviceWaiting) return this.#answered.add({ outcome: 'too-many' });
    this.#waiting.push(message);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < LIMITS.serviceConcurrent) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      const run = this.#handle(message).finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
  }

  async #handle({ data, reply = '' }: BusMessage): Promise<void> {
    const { bus, log } = this.#context;
    try {
      bus.publish(reply, await this.#answer(data));
    } catch (error) {
      if (!(error instanceof FleetError)) log.error({ err: error }, 'a question could not be answered: a bug');
      this.#answered.add({ outcome: error instanceof FleetError ? error.code : 'internal' });
    }
  }

  /** @throws ProtocolError for what nobody of this fleet asks now: it isn't answered */
  async #answer(data: Uint8Array): Promise<Uint8Array> {
    const { clock, identity, log, trust } = this.#context;
    const { payload, signers } = open('service', trust.fleetId, data, trust);
    const { kind } = signers[0].credential.body;
    if (!CALLERS.has(kind)) throw new ProtocolError(`asked by a ${kind}`, { code: 'not-a-caller' });
    const { expires, issued, question } = decodeServiceRequest(payload);
    const now = clock.now();
    if (issued > now + LIMITS.clockSkewMs || expires <= now - LIMITS.clockSkewMs)
      throw new ProtocolError('asked at another time', { code: 'too-late' });
    const answer: ServiceAnswer = { request: sha256(payload), now };
    try {
      answer.result = await answerQuestion(question, this.#context);
      this.#answered.add({ outcome: 'ok' });
    } catch (error) {
      if (!(error instanceof FleetError)) log.error({ err: error }, 'a question could not be answered: a bug');
      const { code, reason } = refusalOf(error);
      Object.assign(answer, { code, reason });
      // What people say wrongly isn't worth a label each.
      this.#answered.add({ outcome: error instanceof RefusedError ? code : 'refused' });
    }
    return seal('service', trust.fleetId, identity, encodeService(answer), { inlineCredential: true });
  }
}
