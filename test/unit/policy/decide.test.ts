import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../../shared/policy/compile.ts';
import { decide, isUnconditional, outline, type PolicyRequest } from '../../../shared/policy/decide.ts';
import type { AllowRule, DenyRule, Policy } from '../../../shared/policy/policy.ts';
import { circumstances, policyOf, TUESDAY } from './circumstances.ts';

const PING: PolicyRequest = { roles: ['deployer'], action: 'ping' };
const DEPLOY: PolicyRequest = { roles: ['deployer'], action: 'task.run', task: 'deploy' };

describe('by role and name, the policy', () => {
  const policy = compilePolicy({
    version: 1,
    roles: {
      reader: { allow: [{ actions: ['ping', 'process.list'] }, { actions: ['facts.*'] }] },
      deployer: { allow: [{ tasks: ['migrate', 'deploy-*'] }] },
      operator: { allow: [{ actions: ['*'], tasks: ['*'] }] },
      nothing: { allow: [] },
      empty: {},
    },
  });
  const rows: readonly [string, readonly string[], string, string | undefined, string | undefined][] = [
    ['an action by name', ['reader'], 'ping', undefined, 'roles.reader.allow[0]'],
    ['an action by its beginning', ['reader'], 'facts.get', undefined, 'roles.reader.allow[1]'],
    ['an action that a longer name begins with', ['reader'], 'process', undefined, undefined],
    ['an action whose name begins with an allowed one', ['reader'], 'process.list.all', undefined, undefined],
    ['an action in other letters', ['reader'], 'Ping', undefined, undefined],
    ['another action', ['reader'], 'exec', undefined, undefined],
    ['a task by name', ['deployer'], 'task.run', 'migrate', 'roles.deployer.allow[0]'],
    ['a task by its beginning', ['deployer'], 'task.run', 'deploy-web', 'roles.deployer.allow[0]'],
    ['another task', ['deployer'], 'task.run', 'drop', undefined],
    ['an action, by who may run tasks alone', ['deployer'], 'exec', undefined, undefined],
    ['everything', ['operator'], 'exec', undefined, 'roles.operator.allow[0]'],
    ['with no role', [], 'ping', undefined, undefined],
    ['with a role that has no rules', ['nothing', 'empty'], 'ping', undefined, undefined],
    ['with a role that is not in the policy', ['boss'], 'ping', undefined, undefined],
    ['with a role called like what every object has', ['constructor', '__proto__', 'toString'], 'ping', undefined, undefined],
    ['with several roles, by whichever allows it', ['nothing', 'reader'], 'ping', undefined, 'roles.reader.allow[0]'],
  ]; // prettier-ignore

  it.each(rows)('decides about %s', (_what, roles, action, task, rule) => {
    const decision = decide(policy, { roles, action, task }, circumstances());
    expect(decision).toEqual(
      rule === undefined ? { allowed: false, rule: 'default', why: 'no-rule' } : { allowed: true, rule },
    );
  });

  it('does not take a rule for actions as one for tasks', () => {
    expect(decide(policyOf({ allow: [{ actions: ['*'] }] }), DEPLOY, circumstances()).allowed).toBe(false);
  });

  it('needs no look at the node where no rule has a condition', () => {
    const outlined = outline(policy, { roles: ['operator'], action: 'exec' });
    expect('allow' in outlined && isUnconditional(outlined)).toBe(true);
  });
});

describe('a controller service', () => {
  const policy = compilePolicy({
    version: 1,
    roles: {
      '*': { allow: [{ actions: ['*'] }], deny: [{ actions: ['exec'] }] },
      controller: { allow: [{ actions: ['ping', 'exec'] }] },
    },
  });

  it.each<[string, string, boolean]>([
    ['may what a rule of its own role allows', 'ping', true],
    ['may nothing that everybody may', 'facts.get', false],
    ['may nothing that everybody is denied', 'exec', false],
  ])('%s', (_what, action, allowed) => {
    expect(decide(policy, { roles: ['controller'], action }, circumstances()).allowed).toBe(allowed);
  });
});

describe('a rule for everybody', () => {
  const policy = compilePolicy({
    version: 1,
    roles: {
      '*': { allow: [{ actions: ['ping'] }], deny: [{ actions: ['exec'] }] },
      boss: { allow: [{ actions: ['*'] }] },
    },
  });

  it('allows who has no role at all', () => {
    expect(decide(policy, { roles: [], action: 'ping' }, circumstances()).allowed).toBe(true);
  });

  it('denies whoever may otherwise do everything', () => {
    expect(decide(policy, { roles: ['boss'], action: 'exec' }, circumstances()).allowed).toBe(false);
    expect(decide(policy, { roles: ['boss'], action: 'facts.get' }, circumstances()).allowed).toBe(true);
  });
});

describe('conditions', () => {
  const rows: readonly [string, Partial<AllowRule>, Parameters<typeof circumstances>[0], boolean][] = [
    ['a number that an argument is', { args: 'uid=50' }, { args: { uid: 50 } }, true],
    ['a number that an argument begins with', { args: 'uid=50' }, { args: { uid: 500 } }, false],
    ['a number that an argument ends with', { args: 'uid=50' }, { args: { uid: 250 } }, false],
    ['a text that an argument begins with', { args: 'release=2026.1' }, { args: { release: '2026.11' } }, false],
    ['a text in other letters', { args: 'env=prod' }, { args: { env: 'Prod' } }, false],
    ['an argument that is missing, unequal', { args: 'uid!=0' }, { args: {} }, false],
    ['an argument that is missing, negated', { args: 'not user=root' }, { args: {} }, true],
    ['an argument that may not be there', { args: 'not has(user)' }, { args: { user: 'root' } }, false],
    ['any item of a list', { args: 'hosts=db1' }, { args: { hosts: ['web1', 'db1'] } }, true],
    ['no item of a list', { args: 'hosts!=db1' }, { args: { hosts: ['web1', 'db1'] } }, false],
    ['an exact list', { args: 'argv.0=systemctl and argv.1=restart and not has(argv.2)' }, { args: { argv: ['systemctl', 'restart'] } }, true],
    ['a longer list than the exact one', { args: 'argv.0=systemctl and argv.1=restart and not has(argv.2)' }, { args: { argv: ['systemctl', 'restart', 'x'] } }, false],
    ['a fact that the node has', { where: 'role=db' }, {}, true],
    ['a fact that it has otherwise', { where: 'role=web' }, {}, false],
    ['a fact that it lacks', { where: 'env!=prod' }, {}, false],
    ['the name of the caller', { caller: 'name=alice' }, {}, true],
    ['another role of the caller', { caller: 'roles=oncall' }, {}, false],
    ['a time that it is', { time: { days: 'mon-fri', from: '08:00', to: '18:00' } }, {}, true],
    ['a time that it is not', { time: { days: ['sat', 'sun'] } }, {}, false],
    ['two, of which one does not hold', { where: 'role=db', args: 'n=1' }, { args: { n: 2 } }, false],
    ['two that hold', { where: 'role=db', args: 'n=1' }, { args: { n: 1 } }, true],
    ['arguments that are not known', { args: 'n=1' }, { args: undefined }, false],
    ['facts that are not known', { where: 'not env=prod' }, { facts: undefined }, false],
    ['facts of which some are not known', { where: 'not env=prod' }, { isUndecided: ({ text }) => text === 'env' }, false],
  ]; // prettier-ignore

  it.each(rows)('allow or not, by %s', (_what, rule, at, allowed) => {
    const policy = policyOf({ allow: [{ tasks: ['deploy'], ...rule }] });
    expect(decide(policy, DEPLOY, circumstances(at)).allowed).toBe(allowed);
  });

  it('of several rules, any may hold', () => {
    const policy = policyOf({
      allow: [
        { tasks: ['*'], where: 'role=web' },
        { name: 'databases', tasks: ['*'], where: 'role=db' },
      ],
    });
    expect(decide(policy, DEPLOY, circumstances())).toEqual({ allowed: true, rule: 'databases' });
  });

  it('that do not hold name their rule, where it is the only one', () => {
    const policy = policyOf({ allow: [{ tasks: ['*'], where: 'role=web' }] });
    expect(decide(policy, DEPLOY, circumstances())).toEqual({
      allowed: false,
      rule: 'roles.deployer.allow[0]',
      why: 'conditions',
    });
  });
});

describe('a rule that denies', () => {
  const denying = (rule: DenyRule): Policy['roles'][string] => ({
    allow: [{ actions: ['*'], tasks: ['*'] }],
    deny: [rule],
  });

  it('beats what allows', () => {
    const policy = policyOf(denying({ actions: ['ping'] }));
    expect(outline(policy, PING)).toEqual({ allowed: false, rule: 'roles.deployer.deny[0]', why: 'denied' });
    expect(decide(policy, { ...PING, action: 'facts.get' }, circumstances()).allowed).toBe(true);
  });

  it('of one role beats what another allows', () => {
    const policy = policyOf({ allow: [{ actions: ['*'] }] }, { guest: { deny: [{ actions: ['ping'] }] } });
    expect(decide(policy, { ...PING, roles: ['deployer', 'guest'] }, circumstances()).allowed).toBe(false);
  });

  it('of all actions, or of running tasks, is of every task, too', () => {
    for (const actions of [['*'], ['task.*'], ['task.run']])
      expect(decide(policyOf(denying({ actions })), DEPLOY, circumstances()).allowed).toBe(false);
    expect(decide(policyOf(denying({ actions: ['exec'] })), DEPLOY, circumstances()).allowed).toBe(true);
  });

  it('denies only where its conditions hold', () => {
    const policy = policyOf(denying({ tasks: ['*'], where: 'role=web' }));
    expect(decide(policy, DEPLOY, circumstances()).allowed).toBe(true);
    expect(decide(policy, DEPLOY, circumstances({ facts: { role: 'web' } })).allowed).toBe(false);
  });

  it('denies where it can not be told whether they hold', () => {
    const policy = policyOf(denying({ tasks: ['*'], where: 'role=web' }));
    expect(decide(policy, DEPLOY, circumstances({ facts: undefined }))).toMatchObject({
      allowed: false,
      why: 'cannot-tell',
    });
  });

  it('does not deny where one of its conditions is known not to hold, whatever the others are', () => {
    const policy = policyOf(denying({ tasks: ['*'], where: 'role=web', args: 'n=1' }));
    expect(decide(policy, DEPLOY, circumstances({ facts: undefined, args: { n: 2 } })).allowed).toBe(true);
  });
});

describe('what this version can not read', () => {
  const policyWith = (effect: 'allow' | 'deny', rule: Record<string, unknown>) =>
    compilePolicy({ version: 1, roles: { deployer: { allow: [{ actions: ['ping'] }], [effect]: [rule] } } });

  it.each([
    ['a condition of a later version', { tasks: ['deploy'], moon: 'full' }],
    ['a broken expression', { tasks: ['deploy'], where: 'role=' }],
    ['a zone that is nowhere', { tasks: ['deploy'], time: { from: '08:00', zone: 'Europe/Nowhere' } }],
    ['patterns of a later version', { tasks: [{ starts: 'deploy' }] }],
  ])('never allows, and always denies: %s', (_what, rule) => {
    expect(decide(policyWith('allow', rule), DEPLOY, circumstances()).allowed).toBe(false);
    const policy = compilePolicy({
      version: 1,
      roles: { deployer: { allow: [{ actions: ['*'], tasks: ['*'] }], deny: [rule] } },
    });
    expect(decide(policy, DEPLOY, circumstances())).toMatchObject({ allowed: false, why: 'cannot-tell' });
  });

  it('leaves what it does not speak of as it is', () => {
    const policy = compilePolicy({
      version: 1,
      roles: { deployer: { allow: [{ actions: ['ping'] }], deny: [{ tasks: ['deploy'], moon: 'full' }] } },
    });
    expect(decide(policy, PING, circumstances()).allowed).toBe(true);
  });
});

describe('approvals', () => {
  const policy = policyOf({ allow: [{ tasks: ['deploy'], approvals: { count: 1, within: '2m' } }] });
  const bob = { name: 'bob', roles: ['deployer'] };

  it('are asked for by the rule that would allow it', () => {
    expect(decide(policy, DEPLOY, circumstances())).toEqual({
      allowed: false,
      rule: 'roles.deployer.allow[0]',
      why: 'needs-approval',
      approvals: { count: 1, roles: ['deployer'], withinMs: 120_000 },
    });
  });

  it.each<[string, Parameters<typeof circumstances>[0], boolean]>([
    ['of one who has the role of the rule', { approvers: [bob] }, true],
    ['of one who has another', { approvers: [{ name: 'eve', roles: ['reader'] }] }, false],
    ['in the last moment', { approvers: [bob], now: TUESDAY + 120_000 }, true],
    ['that come too late', { approvers: [bob], now: TUESDAY + 120_001 }, false],
  ])('%s', (_what, at, allowed) => {
    expect(decide(policy, DEPLOY, circumstances(at)).allowed).toBe(allowed);
  });

  it('of two others need two, each with a role that is named', () => {
    const two = policyOf({ allow: [{ tasks: ['deploy'], approvals: { count: 2, roles: ['admin', 'oncall'] } }] });
    const admin = { name: 'carol', roles: ['admin'] };
    expect(decide(two, DEPLOY, circumstances({ approvers: [admin, bob] })).allowed).toBe(false);
    expect(decide(two, DEPLOY, circumstances({ approvers: [admin, { name: 'dan', roles: ['oncall'] }] })).allowed).toBe(
      true,
    );
  });

  it('are not asked for where another rule allows it without', () => {
    const either = policyOf({
      allow: [
        { tasks: ['deploy'], approvals: { count: 1 } },
        { tasks: ['deploy'], where: 'role=db' },
      ],
    });
    expect(decide(either, DEPLOY, circumstances()).allowed).toBe(true);
  });

  it('are not asked for where the other conditions do not hold', () => {
    const elsewhere = policyOf({ allow: [{ tasks: ['deploy'], where: 'role=web', approvals: { count: 1 } }] });
    expect(decide(elsewhere, DEPLOY, circumstances())).toMatchObject({ why: 'conditions' });
  });
});

describe('how long a command may wait', () => {
  const HOUR_MS = 60 * 60_000;
  const policy = policyOf({ allow: [{ tasks: ['deploy'], where: 'role=db', until: '8h' }] });

  it.each<[string, Parameters<typeof circumstances>[0], boolean]>([
    ['is nothing to one that does not', {}, true],
    ['allows as much as it says', { lifeMs: 8 * HOUR_MS }, true],
    ['allows no more', { lifeMs: 8 * HOUR_MS + 1 }, false],
  ])('%s', (_what, at, allowed) => {
    expect(decide(policy, DEPLOY, circumstances(at)).allowed).toBe(allowed);
  });

  it('is what a refusal speaks of where all else would hold, and only there', () => {
    const [label, waiting] = ['roles.deployer.allow[0]', { lifeMs: 24 * HOUR_MS }];
    expect(decide(policy, DEPLOY, circumstances(waiting))).toEqual({ allowed: false, rule: label, why: 'waits-too-long' }); // prettier-ignore
    const elsewhere = circumstances({ ...waiting, facts: { name: 'web1', role: 'web' } });
    expect(decide(policy, DEPLOY, elsewhere)).toMatchObject({ why: 'conditions' });
  });

  it('is as long as any may where no rule says it, and a rule can keep all from waiting', () => {
    const silent = policyOf({ allow: [{ tasks: ['deploy'] }] });
    expect(decide(silent, DEPLOY, circumstances({ lifeMs: 7 * 24 * HOUR_MS })).allowed).toBe(true);
    const none = policyOf({ allow: [{ tasks: ['deploy'], until: '0s' }] });
    expect(decide(none, DEPLOY, circumstances({ lifeMs: HOUR_MS })).allowed).toBe(false);
    expect(decide(none, DEPLOY, circumstances({ lifeMs: 5 * 60_000 })).allowed).toBe(true);
  });
});
