/**
 * The documents that decide for the whole fleet, as a service goes by them: read at its start, and again whenever one is
 * replaced, so that it believes nobody who was revoked an hour ago. Its own new credential is taken the same way.
 */
import type { Bus, Subscription } from '../../shared/bus.ts';
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import type { Identity } from '../../shared/identity.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { controlStream } from '../../shared/streams.ts';
import { CONTROL_DOCUMENTS, type Subjects } from '../../shared/subjects.ts';
import type { TrustStore } from '../../shared/trust.ts';
import type { ControlState } from '../control.ts';
import { openControl } from '../open-control.ts';
import type { PartHealth, ServicePart } from './part.ts';

export interface LiveControlOptions {
  readonly identity: Identity;
  readonly identityFile: string;
}

export interface LiveControlDependencies {
  readonly fleet: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly trust: TrustStore;
}

export class LiveControl implements ServicePart {
  readonly name = 'control';
  readonly #deps: LiveControlDependencies;
  readonly #identityFile: string;
  readonly #listeners: (() => void)[] = [];
  #identity: Identity;
  #state: ControlState | undefined;
  #followed: Subscription[] = [];
  #reading: Promise<void> | undefined;
  #isStale = false;
  #isStopped = false;
  #problem: string | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor({ identity, identityFile }: LiveControlOptions, dependencies: LiveControlDependencies) {
    this.#identity = identity;
    this.#identityFile = identityFile;
    this.#deps = dependencies;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** As it was read last. @throws Error before the part is started */
  get state(): ControlState {
    if (this.#state === undefined) throw new Error('the documents of the fleet were not read yet');
    return this.#state;
  }

  /** Told after roots, revocations or policy were read again. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** @throws UsageError `revoked`, `identity-unusable`; TransportError */
  async start(): Promise<void> {
    const { bus, fleet, subjects } = this.#deps;
    await this.#read();
    for (const one of this.#followed.splice(0)) one.close();
    const documents = CONTROL_DOCUMENTS.map((kind) => subjects.controlDocument(kind));
    for (const subject of [...documents, subjects.renewal('service', this.#identity.name)])
      this.#followed.push(await bus.follow(controlStream(fleet), subject, () => this.refresh()));
  }

  health(): PartHealth {
    if (this.#state === undefined) return { ok: false, detail: 'not read yet' };
    return this.#problem === undefined ? { ok: true } : { ok: false, detail: this.#problem };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    for (const one of this.#followed.splice(0)) one.close();
    await this.#reading;
  }

  /** Reads them again; once more, where it is being done already. */
  refresh(): void {
    if (this.#isStopped) return;
    this.#isStale = true;
    this.#reading ??= this.#refreshAll().finally(() => {
      this.#reading = undefined;
    });
  }

  async #refreshAll(): Promise<void> {
    while (this.#isStale && !this.#isStopped) {
      this.#isStale = false;
      clearTimeout(this.#retry);
      try {
        await this.#read();
        this.#problem = undefined;
      } catch (error) {
        if (!(error instanceof FleetError)) throw error;
        this.#problem = error.message;
        this.#deps.log.error({ code: error.code, why: error.message }, 'the documents of the fleet were not read');
        this.#retry = setTimeout(() => this.refresh(), LIMITS.resubscribeWaitMaxMs);
      }
    }
  }

  async #read(): Promise<void> {
    const { log } = this.#deps;
    const { control, identity, problems } = await openControl(this.#identity, this.#identityFile, this.#deps);
    if (identity !== this.#identity)
      log.info({ serial: identity.credential.body.serial }, 'the credential was renewed by its owner');
    this.#identity = identity;
    this.#state = control;
    for (const problem of problems) log.error({ problem }, 'a document of the fleet was not taken');
    for (const listener of this.#listeners) listener();
  }
}
