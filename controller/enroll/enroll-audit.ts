/**
 * What the enrolment service did, for the audit trail of its issuer: who got in and by which token, who was turned away
 * and why, what operators decided. Nobody hears that they are in before it's written down.
 */
import type { Clock } from '../../shared/clock.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import type { ServiceAudit } from '../audit/service-audit.ts';
import type { AdminTold } from './admin-handler.ts';
import type { JoinTold } from './join-handler.ts';
import { RefusalTally } from './refusal-tally.ts';

export interface EnrollAuditDependencies {
  readonly audit: ServiceAudit;
  readonly clock: Clock;
  readonly log: Logger;
}

const EVENTS: Readonly<Record<string, string>> = {
  'make-token': 'enroll-token',
  'revoke-token': 'enroll-revoke-token',
  approve: 'enroll-approve',
  deny: 'enroll-deny',
};

export class EnrollAudit {
  readonly #audit: ServiceAudit;
  readonly #log: Logger;
  readonly #refusals: RefusalTally;
  readonly #timer: NodeJS.Timeout;

  constructor({ audit, clock, log }: EnrollAuditDependencies) {
    this.#audit = audit;
    this.#log = log;
    this.#refusals = new RefusalTally({ clock });
    this.#timer = setInterval(() => this.#writeRefusals(this.#refusals.due()), LIMITS.enrollTallyMs).unref();
  }

  /** @throws SettingsError `audit-unwritable`, `locked` for what must not happen unrecorded */
  async join(told: JoinTold): Promise<void> {
    const { again, outcome, ...details } = told;
    // That one is for who keeps the fleet, not for who asks.
    const level = told.code === 'entry-unusable' ? 'error' : outcome === 'refused' ? 'warn' : 'info';
    this.#log[level](told, outcome);
    if (outcome === 'refused') return this.#writeRefusals(this.#refusals.note(told));
    // Who still waits is no news. Who gets the same once more is: the first time may have ended before this.
    if (outcome === 'pending' && again === true) return;
    const event = outcome === 'joined' ? 'issue' : 'enroll-request';
    await this.#audit.write({ event, details: { kind: 'node', ...details, ...(again === true ? { again } : {}) } });
  }

  /** Lists are read, which nobody is the worse for: only who may not is recorded. @throws as above */
  async admin({ caller, question, ...told }: AdminTold): Promise<void> {
    const { code, reason, details = {}, ...about } = told;
    const fields = { caller: caller.name, question, ...told };
    if (code === undefined) this.#log.info(fields, 'done');
    else this.#log.warn(fields, 'refused');
    const event = EVENTS[question];
    if (event === undefined && code === undefined) return;
    const decision = { allowed: code === undefined, ...(code === undefined ? {} : { code }) };
    await this.#audit.write({
      event: event ?? 'enroll-list',
      caller,
      decision,
      details: { ...about, ...details, ...(reason === undefined ? {} : { reason }) },
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#writeRefusals(this.#refusals.due(true));
    await this.#audit.idle();
  }

  /** Turning somebody away waits for nothing. */
  #writeRefusals(events: readonly AuditEvent[]): void {
    for (const event of events)
      this.#audit.write(event).catch((error: unknown) => {
        const why = error instanceof FleetError ? error.message : String(error);
        this.#log.error({ why }, 'a refusal could not be written to the audit trail');
      });
  }
}
