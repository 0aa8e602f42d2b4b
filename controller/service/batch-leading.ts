/**
 * Leads batches on whose command line is gone: follows the records of jobs, and takes over those of which nobody was heard
 * for a while. Several services may: the record decides who does. It sends what callers signed, and nothing else.
 */
import type { BusMessage, Subscription } from '../../shared/bus.ts';
import { FleetError, TransportError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { jobStream } from '../../shared/streams.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeLeadAnswer, LEAD_QUESTION_BYTES } from '../../shared/wire/lead.ts';
import { isLeadLost } from '../job/append-frame.ts';
import { leadBatch } from './lead-batch.ts';
import { LeadWatch } from './lead-watch.ts';
import type { Counter } from './metrics.ts';
import { OpenBatches, type OpenBatch } from './open-batches.ts';
import type { PartHealth, ServiceContext, ServicePart } from './part.ts';

export class BatchLeading implements ServicePart {
  readonly name = 'batches';
  readonly #context: ServiceContext;
  readonly #open: OpenBatches;
  readonly #watch = new LeadWatch();
  /** Those that are led here. */
  readonly #led = new Map<OpenBatch, Promise<void>>();
  readonly #subscriptions: Subscription[] = [];
  readonly #taken: Counter;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
    const { bus, metrics } = context;
    const dropped = metrics.counter('fleet_batches_dropped_total', 'Batches that were not kept, by what there was too much of.'); // prettier-ignore
    this.#open = new OpenBatches({ ...context, onDropped: (limit) => dropped.add({ limit }) });
    bus.onEvent(({ type }) => {
      if (type === 'disconnected' || type === 'closed') this.#watch.lose('the connection to the bus broke');
      if (type !== 'reconnected') return;
      this.#open.hearAnew();
      this.#watch.restore();
    });
    this.#taken = metrics.counter('fleet_batches_taken_total', 'Batches that this service took over.');
    metrics.gauge('fleet_batches_led', 'Batches that this service leads now.', () => this.#led.size);
    metrics.gauge('fleet_batches_open', 'Batches that have not ended, whoever leads them.', () => this.#open.size);
  }

  /** @throws TransportError */
  async start(): Promise<void> {
    const { bus, fleet, subjects } = this.#context;
    for (const one of this.#subscriptions.splice(0)) one.close();
    this.#subscriptions.push(
      bus.subscribe(subjects.leads(), (message) => {
        this.#open.takeSign(message);
        this.#look();
      }),
      await bus.follow(jobStream(fleet), subjects.jobs(), (stored) => this.#open.take(stored)),
      bus.subscribe(subjects.leadQuestion(), (message) => void this.#answer(message).catch(this.#onBug), {
        queue: 'lead',
      }),
    );
    this.#timer ??= setInterval(() => this.#look(), LIMITS.leadSignMs);
  }

  health(): PartHealth {
    return { ok: true, detail: `${this.#open.size} open, ${this.#led.size} led here` };
  }

  /** Somebody else may go on at once. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const one of this.#subscriptions.splice(0)) one.close();
    this.#watch.lose('the service stops');
    await Promise.all(this.#led.values());
  }

  #look(): void {
    if (this.#watch.lost !== undefined) return;
    this.#open.forgetBefore(this.#context.clock.now() - LIMITS.jobKeepMs);
    for (const open of this.#open.silent()) {
      if (this.#led.size >= LIMITS.batchesLed) return;
      if (this.#led.has(open) || this.#ledOf(open.begun.caller) >= LIMITS.batchesLedPerCaller) continue;
      this.#led.set(
        open,
        this.#lead(open).finally(() => this.#led.delete(open)),
      );
    }
  }

  #ledOf(caller: string): number {
    return [...this.#led.keys()].filter(({ begun }) => begun.caller === caller).length;
  }

  async #lead(open: OpenBatch): Promise<void> {
    const { log } = this.#context;
    const { caller, job } = open.begun;
    const { roster } = this.#context.directory;
    const onTaken = (): void => {
      this.#taken.add();
      log.info({ caller, job }, 'leading a batch whose command line is gone');
    };
    try {
      const { fleet, bus, clock, subjects, trust, identity } = this.#context;
      const own = { fleet, bus, clock, subjects, trust, identity };
      const { lostBus, lostLead, nodes } = await leadBatch(open, { ...own, roster, watch: this.#watch, onTaken });
      if (lostBus !== undefined) log.warn({ caller, job, why: lostBus }, 'a batch is not led here any more');
      else if (lostLead === true) log.info({ caller, job }, 'a batch is not led here any more: somebody else wrote');
      else log.info({ caller, job, nodes: nodes.length }, 'a batch has ended');
    } catch (error) {
      if (isLeadLost(error)) return;
      // What is wrong with it stays so.
      if (!(error instanceof TransportError)) this.#open.forget(open);
      if (!(error instanceof FleetError)) return this.#onBug(error);
      log.error({ caller, job, code: error.code, why: error.message }, 'a batch could not be led');
    } finally {
      // Whoever leads it now has time to say so.
      open.heardAt = this.#context.clock.monotonic();
    }
  }

  async #answer({ data, reply }: BusMessage): Promise<void> {
    if (reply === undefined || data.length !== LEAD_QUESTION_BYTES) return;
    const { bus, clock, identity } = this.#context;
    const payload = encodeLeadAnswer({ question: data, at: clock.now() });
    bus.publish(reply, await seal('lead', identity.fleetId, identity, payload, { inlineCredential: true }));
  }

  readonly #onBug = (error: unknown): void => {
    this.#context.log.error({ err: error }, 'leading a batch broke: a bug');
  };
}
