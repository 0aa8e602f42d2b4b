/** From a policy's decision to the refusal that the caller gets. */
import { RefusedError } from '../shared/errors.ts';
import type { SourcedDecision } from '../shared/policy/decide-both.ts';
import { describeRefusal, type Asked } from '../shared/policy/words.ts';

export function refuseByPolicy(asked: Asked, decision: SourcedDecision): RefusedError {
  if (decision.allowed) throw new Error('not a refusal');
  const message = describeRefusal(asked, decision);
  if (decision.why === 'no-policy') return new RefusedError(message, { code: 'no-policy' });
  if (decision.why === 'needs-approval') return new RefusedError(message, { code: 'needs-approval' });
  return new RefusedError(message, { code: 'not-authorized' });
}
