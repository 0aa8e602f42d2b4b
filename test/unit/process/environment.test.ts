import { expect, test } from 'vitest';
import { buildEnvironment } from '../../../agent/process/environment.ts';

const sources = {
  job: 'j1',
  run: 'r1',
  account: { name: 'app', uid: 1, gid: 1, home: '/srv/app' },
  given: {},
  base: {},
  marks: {},
};

test('is made from nothing but the account and what was given', () => {
  expect(buildEnvironment({ ...sources, given: { A: '1' } })).toEqual({
    FLEET_JOB: 'j1',
    FLEET_RUN: 'r1',
    PATH: expect.stringContaining('/usr/bin') as string,
    HOME: '/srv/app',
    USER: 'app',
    LOGNAME: 'app',
    LANG: 'C.UTF-8',
    A: '1',
  });
});

test('lets a command override the defaults', () => {
  const built = buildEnvironment({ ...sources, base: { PATH: '/base', LANG: 'C' }, given: { PATH: '/given' } });
  expect([built['PATH'], built['LANG']]).toEqual(['/given', 'C']);
});

test.each([
  [{ FLEET_RUN: 'x' }],
  [{ FLEET_JOB: 'x' }],
  [{ FLEET_SCOPE: 'x' }],
  [{ '': 'x' }],
  [{ 'A=B': 'x' }],
  [{ 'A\0': 'x' }],
  [{ A: 'x\0y' }],
])('refuses %j', (given) => {
  expect(() => buildEnvironment({ ...sources, marks: { FLEET_SCOPE: 'dev' }, given })).toThrow(
    expect.objectContaining({ code: 'invalid-input' }),
  );
});
