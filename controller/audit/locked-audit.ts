/**
 * The audit trail of somebody who has many processes: operators with their command lines, an issuer with `fleet ca` and
 * its service. Each opens the trail for a moment, one at a time, writes down what there is, has the bus store it, and
 * lets go. Where the bus is away it stays on the disk, and goes with the next.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, type AuditLogDependencies, type AuditLogOptions } from '../../shared/audit/audit-log.ts';
import { FleetError, SettingsError, TransportError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import { holdLock } from '../setup/hold-lock.ts';

export type LockedAuditOptions = Pick<
  AuditLogOptions,
  'folder' | 'who' | 'fleetId' | 'stream' | 'subject' | 'isShared'
>;

export interface LockedAuditDependencies extends Pick<AuditLogDependencies, 'clock' | 'identity'> {
  /** Asked before each writing; undefined: there is none now, and all stays on the disk. */
  readonly bus: () => AuditLogDependencies['bus'] | undefined;
  /** Told what went wrong, in one line. */
  readonly onProblem?: ((line: string) => void) | undefined;
}

interface Waiting {
  readonly event: AuditEvent;
  readonly isUrgent: boolean;
  readonly resolve: (isStored: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class LockedAudit {
  readonly #options: LockedAuditOptions;
  readonly #deps: LockedAuditDependencies;
  #waiting: Waiting[] = [];
  #turn: Promise<void> | undefined;

  constructor(options: LockedAuditOptions, dependencies: LockedAuditDependencies) {
    this.#options = options;
    this.#deps = dependencies;
  }

  /**
   * Resolves when it's on the disk for good and the bus was asked to store it: with whether it did. What comes while
   * another one is written goes together.
   * @param options isUrgent false: where each signature is asked for, by an ssh-agent or a token that has to be touched,
   * it's only written down, and signed with the next that is urgent. @default true
   * @throws SettingsError `audit-unwritable`, `locked`
   */
  write(event: AuditEvent, { isUrgent = true }: { readonly isUrgent?: boolean } = {}): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, isUrgent, resolve, reject });
      this.#turn ??= this.#takeTurns();
    });
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    while (this.#turn !== undefined) await this.#turn;
  }

  async #takeTurns(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What comes within this turn of the event loop goes together.
      await Promise.resolve();
      const waiting = this.#waiting;
      this.#waiting = [];
      try {
        const isStored = await this.#writeAll(waiting);
        for (const { resolve } of waiting) resolve(isStored);
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    // At once, so that who writes next finds nobody at work.
    this.#turn = undefined;
  }

  async #writeAll(waiting: readonly Waiting[]): Promise<boolean> {
    const { folder } = this.#options;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const lock = { what: 'another program that writes the audit trail', patienceMs: LIMITS.auditLockMs };
      return await holdLock(join(folder, '.lock'), lock, () => this.#writeHolding(waiting));
    } catch (cause) {
      if (cause instanceof SettingsError) throw cause;
      const why = cause instanceof FleetError ? cause.message : ((cause as NodeJS.ErrnoException).code ?? 'error');
      throw new SettingsError(`the audit trail in ${folder} can't be written (${why})`, {
        code: 'audit-unwritable',
        hint: 'What is done has to be written down first: make room there, and see that the folder is yours.',
        cause,
      });
    }
  }

  async #writeHolding(waiting: readonly Waiting[]): Promise<boolean> {
    const { onProblem = () => undefined, clock, identity } = this.#deps;
    const bus = this.#deps.bus() ?? NO_BUS;
    const sizes = { fileBytes: LIMITS.auditShortFileBytes, keptBytes: LIMITS.auditShortKeptBytes };
    const log = await AuditLog.open(
      { ...sizes, ...this.#options },
      {
        bus,
        clock,
        identity,
        log: logTo(bus === NO_BUS ? () => undefined : onProblem),
      },
    );
    try {
      await Promise.all(waiting.map(({ event }) => log.record(event, { durable: true })));
      const isAsked = !('signNow' in identity.signer);
      if (isAsked && waiting.every(({ isUrgent }) => !isUrgent) && log.unsigned < LIMITS.auditUnsigned) return false;
      await log.flush();
      return true;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (bus !== NO_BUS) onProblem(`the audit trail is kept on this machine, and stored later: ${error.message}`);
      return false;
    } finally {
      await log.release();
    }
  }
}

const noBus = (): Promise<never> =>
  Promise.reject(new TransportError('there is no connection to the bus', { code: 'bus-unreachable' }));

const NO_BUS: AuditLogDependencies['bus'] = {
  maxPayloadBytes: LIMITS.envelopeBytes,
  // Not undefined: that would be a bus which has lost the trail.
  load: noBus,
  store: noBus,
  read: noBus,
};

/** For what a program with a log would write there. */
function logTo(onProblem: (line: string) => void): Logger {
  const tell = (_fields: unknown, message?: string): void => {
    if (message !== undefined) onProblem(message);
  };
  return { debug: () => undefined, info: () => undefined, warn: tell, error: tell };
}
