/**
 * Operators' questions to the service: verified, fresh, answered, signed. Several services share them, each question goes
 * to one. What can't be verified isn't answered; who has no answer within a moment reads for himself.
 */
import type { BusMessage, Subscription } from '../../shared/bus.ts';
import { FleetError, RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeService, type ServiceAnswer } from '../../shared/wire/service-question.ts';
import { answerQuestion, refusalOf } from './answer-question.ts';
import type { Counter } from './metrics.ts';
import { openQuestion } from './open-question.ts';
import type { PartHealth, ServiceContext, ServicePart } from './part.ts';

const QUEUE = 'service';

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
    const { question, request } = openQuestion(data, { clock, trust });
    const answer: ServiceAnswer = { request, now: clock.now() };
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
