/** A logger that keeps what it is told. */
import type { Logger } from '../../shared/logger.ts';

export interface LogEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function recordingLog(): Logger & { readonly events: LogEvent[] } {
  const events: LogEvent[] = [];
  const record =
    (level: LogEvent['level']) =>
    (fields: unknown, message?: string): void => {
      events.push(
        typeof fields === 'string'
          ? { level, message: fields, fields: {} }
          : { level, message: message ?? '', fields: fields as Record<string, unknown> },
      );
    };
  return {
    events,
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  };
}
