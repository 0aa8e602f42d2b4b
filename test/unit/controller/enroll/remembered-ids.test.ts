import { expect, it } from 'vitest';
import { RememberedIds } from '../../../../controller/enroll/remembered-ids.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { bytesFrom } from '../../../support/keys.ts';
import { codeOf } from '../../../support/refusal.ts';

const message = (label: string, expires = 1_000) => ({ id: bytesFrom(label, 16), expires });

it('knows what was here before, for each who sends', () => {
  const ids = new RememberedIds();
  expect(ids.claim('a', message('one'), 0)).toBe(false);
  expect(ids.claim('a', message('one'), 0)).toBe(true);
  expect(ids.claim('b', message('one'), 0)).toBe(false);
});

it('refuses rather than forgets, and one who sends much takes nothing from others', () => {
  const ids = new RememberedIds({ capacity: 8, capacityPerOwner: 2 });
  for (const label of ['one', 'two']) ids.claim('a', message(label), 0);
  expect(codeOf(() => ids.claim('a', message('three'), 0))).toBe('busy');
  for (const owner of ['b', 'c', 'd']) for (const label of ['one', 'two']) ids.claim(owner, message(label), 0);
  expect(codeOf(() => ids.claim('e', message('one'), 0))).toBe('busy');
  // What can't be good any more makes room.
  expect(ids.claim('e', message('one'), 1_000 + LIMITS.clockSkewMs)).toBe(false);
});
