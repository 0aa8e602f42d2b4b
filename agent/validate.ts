/** Fifth step: is there such an action, and does what it was given make sense to it? */
import { RefusedError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Command } from '../shared/wire/command.ts';
import type { RunnableAction } from './actions/action.ts';

/** @throws RefusedError `no-such-action` */
export function findAction(found: RunnableAction | undefined, wanted: string, known: Iterable<string>): RunnableAction {
  if (found === undefined)
    throw new RefusedError(`there is no action ${wanted} here, only ${[...known].sort().join(', ')}`, {
      code: 'no-such-action',
    });
  return found;
}

/** @throws RefusedError `invalid-input` */
export function assertValidInput(action: RunnableAction, command: Command): unknown {
  const { definition } = action;
  if (definition.effect === 'changes' && command.target.nodes === undefined)
    throw new RefusedError(`${definition.name} changes something, so the command has to name its nodes`, {
      code: 'invalid-input',
    });
  if ((command.options.timeoutMs ?? 0) > LIMITS.runTimeoutMaxMs)
    throw new RefusedError(
      `${definition.name} may not run for longer than ${LIMITS.runTimeoutMaxMs / 86_400_000} days`,
      {
        code: 'invalid-input',
      },
    );
  const parsed = definition.input.safeParse(command.args);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new RefusedError(`${definition.name} can't be run with that: ${where}${issue?.message ?? ''}`, {
    code: 'invalid-input',
  });
}
