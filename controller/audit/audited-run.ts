/**
 * Puts the audit trail around what a connection sends: before it where something is changed, behind it always, and that
 * while answers are shown, not before.
 */
import type { AuditEvent } from '../../shared/wire/audit.ts';
import type { RunResult } from '../run-plan.ts';
import type { AskedCommand, CallerAudit } from './caller-audit.ts';

export class AuditedRun {
  readonly #open: () => Promise<CallerAudit>;
  readonly #endings = new Set<Promise<void>>();
  #audit: Promise<CallerAudit> | undefined;

  /** @param open called with the first command: what it loads isn't needed before */
  constructor(open: () => Promise<CallerAudit>) {
    this.#open = open;
  }

  /** @throws SettingsError `audit-unwritable`, and nothing was sent; what `run` throws */
  async around(command: AskedCommand, run: () => Promise<RunResult>): Promise<RunResult> {
    this.#audit ??= this.#open();
    const opening = this.#audit;
    // Who waits for it hears of it.
    opening.catch(() => undefined);
    if (command.work.effect === 'changes') await (await opening).asked(command);
    try {
      const result = await run();
      this.#end(async () => (await opening).ended(command, result));
      return result;
    } catch (error) {
      this.#end(async () => (await opening).broke(command, error));
      throw error;
    }
  }

  /** What is no command. @throws SettingsError `audit-unwritable` */
  async did(event: AuditEvent): Promise<void> {
    this.#audit ??= this.#open();
    await (await this.#audit).did(event);
  }

  /** Resolves when everything is written. */
  async idle(): Promise<void> {
    await Promise.all(this.#endings);
    await (await this.#audit)?.idle();
  }

  /** Behind what is done with the answers at once. */
  #end(write: () => Promise<void>): void {
    const ending = new Promise((resolve) => setImmediate(resolve))
      .then(write)
      .finally(() => this.#endings.delete(ending));
    ending.catch(() => undefined);
    this.#endings.add(ending);
  }
}
