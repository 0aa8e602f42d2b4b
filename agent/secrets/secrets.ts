/** The secrets that one command brought along: their values, for the program that it runs, and what keeps them out of words. */
import type { Logger } from '../../shared/logger.ts';
import type { SecretValues } from '../../shared/wire/sealed-arguments.ts';
import type { ActionOutcome } from '../actions/action.ts';
import { Redactor } from './redactor.ts';

export interface Secrets {
  /** By name: of a task's parameter, or of a variable. For a program's environment or input, and nothing else. */
  readonly values: SecretValues;
  readonly redactor: Redactor;
}

export function createSecrets(values: SecretValues): Secrets {
  return { values, redactor: new Redactor(Object.values(values)) };
}

/** Whatever an action says of itself, once more: an error may quote what it was given. */
export function redactOutcome(outcome: ActionOutcome, redactor: Redactor): ActionOutcome {
  const { reason, data } = outcome;
  return {
    ...outcome,
    ...(reason === undefined ? {} : { reason: redactor.text(reason) }),
    ...(data === undefined ? {} : { data: redactor.data(data) }),
  };
}

/** The same log, with the fields of its events redacted. Messages are fixed texts. */
export function redactLog(log: Logger, redactor: Redactor): Logger {
  const redacted = (level: keyof Logger) => (fields: unknown, message?: string) =>
    log[level](redactor.data(fields) as object, message);
  return { debug: redacted('debug'), info: redacted('info'), warn: redacted('warn'), error: redacted('error') };
}
