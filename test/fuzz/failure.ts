/** Telling failures apart: those of one place are one, whatever input led there. */
import { BrokenPromiseError } from './target.ts';

/** A broken promise is its words, digits apart; anything else is what was thrown, and where. */
export function placeOf(error: unknown): string {
  if (error instanceof BrokenPromiseError) return error.message.replace(/\d+/g, '#');
  if (!(error instanceof Error)) return String(error);
  const frame = /^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim() ?? error.message;
  return `${error.name} ${frame}`;
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
