/** Logs are events: a static message, data as fields, level by who must act. Made in main.ts, handed in everywhere. */
import type { Logger as PinoLogger } from 'pino';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;
