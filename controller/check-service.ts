/** Whether a controller service answers: one of the checks of `fleet doctor`. That none does is nothing wrong. */
import type { Examination } from '../shared/doctor/examination.ts';
import type { Check } from '../shared/doctor/finding.ts';
import { Subjects } from '../shared/subjects.ts';
import { askService } from './ask-service.ts';

export const checkService: Check<Examination> = async ({ bus, clock, identity, trust }, report) => {
  if (bus === undefined || identity === undefined || trust === undefined) return false;
  // A service asks no other.
  if (identity.credential.body.kind === 'service') return true;
  const subjects = new Subjects(identity.fleet);
  const answer = await askService({ type: 'presence', nodes: [] }, 'presence', {
    bus,
    clock,
    identity,
    subjects,
    trust,
  });
  report({
    check: 'service',
    state: 'ok',
    detail:
      answer === undefined
        ? 'no controller service answers: everything works without one, with less (fleet serve)'
        : 'a controller service answers',
  });
  return true;
};
