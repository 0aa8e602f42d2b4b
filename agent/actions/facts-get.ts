/** Gives facts: the whole document, or the values of the paths asked for. */
import { factsGet } from '../../shared/actions/facts-get.ts';
import { UsageError } from '../../shared/errors.ts';
import { lookUp } from '../../shared/where/find.ts';
import { parsePath, type PathPattern } from '../../shared/where/paths.ts';
import type { FactStore } from '../facts/fact-store.ts';
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
    if (fresh === true) await facts.refresh();
    const document = await facts.live(paths, signal);
    if (patterns === undefined) return { state: 'ok', data: document };
    const found = patterns.flatMap((pattern) => lookUp(document, pattern));
    return { state: 'ok', data: Object.fromEntries(found.map(({ path, value }) => [path, value])) };
  });
}
