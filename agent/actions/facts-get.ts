/** Gives facts: the whole document, or the values of the paths asked for. */
import { once } from 'node:events';
import { factsGet } from '../../shared/actions/facts-get.ts';
import { UsageError } from '../../shared/errors.ts';
import { lookUp } from '../../shared/where/find.ts';
import { parsePath, type PathPattern } from '../../shared/where/paths.ts';
import type { FactStore } from '../facts/fact-store.ts';
import { topLevelKey } from '../facts/fact-path.ts';
import { implement, type RunnableAction } from './action.ts';

export function factsGetAction({ facts }: { facts: FactStore }): RunnableAction {
  return implement(factsGet, async ({ paths, fresh }, { signal }) => {
    let patterns: PathPattern[] | undefined;
    try {
      patterns = paths?.map(parsePath);
    } catch (error) {
      if (error instanceof UsageError) return { state: 'refused', code: 'invalid-input', reason: error.message };
      throw error;
    }
    if (fresh === true) await orAborted(facts.refresh(scopeOf(paths)), signal);
    const document = await facts.live(paths, signal);
    if (patterns === undefined) return { state: 'ok', data: document };
    const found = patterns.flatMap((pattern) => lookUp(document, pattern));
    return { state: 'ok', data: Object.fromEntries(found.map(({ path, value }) => [path, value])) };
  });
}

/** Only what is asked for is collected again: a wildcard at the top asks for everything. */
function scopeOf(paths: readonly string[] | undefined): { only?: string[] } {
  const keys = paths?.map(topLevelKey);
  return keys === undefined || keys.includes(undefined) ? {} : { only: keys.filter((key) => key !== undefined) };
}

/** A collector that is slower than the command may be goes on; what is known is answered. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await Promise.race([work, once(signal, 'abort')]);
}
