/** Who hears an answer, and what the answer to an error is. */
import { FleetError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import type { Counters } from './counters.ts';
import { BROKEN } from './finals.ts';
import type { Answer } from './reply.ts';
import type { VerifiedCommand } from './verify.ts';

/** Refusals of who may not know what matches here. */
const UNTOLD: ReadonlySet<string> = new Set(['not-authorized', 'no-policy', 'revoked']);

/**
 * Direct delivery is always answered; a broadcast by who matches, refusals included, or by all when it asks for that.
 * Whoever isn't allowed isn't told by silence what matches: then a broadcast to some is answered by nobody.
 */
export async function isAnswered(
  { command: { via, options, target } }: VerifiedCommand,
  answer: Answer,
  matches: () => boolean | Promise<boolean>,
): Promise<boolean> {
  if (via === 'direct' || options.ask === true || target.where === undefined) return true;
  if (answer.kind === 'unmatched' || UNTOLD.has(answer.code ?? '')) return false;
  return matches();
}

export function answerTo(
  error: unknown,
  { counters, log }: { readonly counters: Counters; readonly log: Logger },
): Answer {
  if (error instanceof FleetError) {
    counters.count(`refused-${error.code}`);
    return { kind: 'result', state: 'refused', code: error.code, reason: error.message };
  }
  counters.count('failed-internal');
  log.error({ err: error }, 'handling a command broke');
  return BROKEN;
}
