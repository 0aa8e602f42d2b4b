import { describe, expect, it } from 'vitest';
import type { Context } from '../../../../controller/context.ts';
import { readTarget, type TargetFlags } from '../../../../controller/options/target-options.ts';
import { isWholeFleet } from '../../../../controller/target.ts';
import { codeOf } from '../../../support/refusal.ts';

const context: Context = {
  file: undefined,
  hidden: undefined,
  servers: ['nats://127.0.0.1:4222'],
  identity: '/alice.json',
  defaults: {},
  groups: { dbs: { where: ['role=db'] }, most: { exclude: ['db1'] } },
};
const whole = (flags: TargetFlags): boolean => isWholeFleet(readTarget(flags, context));

describe('the whole fleet', () => {
  it.each<[string, TargetFlags, boolean]>([
    ['nothing was said', {}, true],
    ['a lot has a seed and no size', { seed: 'x' }, true],
    ['facts are asked for anew', { fresh: true }, true],
    ['an expression was said', { where: ['role=db'] }, false],
    ['a name was said', { node: ['db1'] }, false],
    ['only who is not meant was said', { exclude: ['db1'] }, false],
    ['a group of facts was said', { group: ['dbs'] }, false],
    ['a group that leaves out was said', { group: ['most'] }, false],
    ['a number was said', { limit: '3' }, false],
  ])('when %s: %o is %s', (_when, flags, expected) => {
    expect(whole(flags)).toBe(expected);
  });

  it('and a part of it are not said together', () => {
    expect(codeOf(() => whole({ all: true, node: ['db1'] }))).toBe('bad-target');
  });

  it('is not what a group means that is not there', () => {
    expect(codeOf(() => whole({ group: ['dbz'] }))).toBe('no-such-group');
  });
});
