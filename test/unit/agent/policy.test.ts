import { describe, expect, it } from 'vitest';
import { authorize, authorizeHere } from '../../../agent/authorize.ts';
import { decide, Policy } from '../../../agent/policy.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { FleetMaterial, type BodyChanges } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { codeOfAsync } from '../../support/refusal.ts';

const policy = Policy.parse({
  version: 1,
  roles: {
    reader: { allow: [{ actions: ['ping', 'process.list'] }, { actions: ['facts.*'] }] },
    deployer: { allow: [{ tasks: ['migrate', 'deploy-*'] }] },
    operator: { allow: [{ actions: ['*'], tasks: ['*'] }] },
    nothing: { allow: [] },
  },
});

describe('the policy', () => {
  const rows: readonly [string, readonly string[], string, string | undefined, string | undefined][] = [
    ['an action by name', ['reader'], 'ping', undefined, 'roles.reader.allow[0]'],
    ['an action by its beginning', ['reader'], 'facts.get', undefined, 'roles.reader.allow[1]'],
    ['an action that a longer name begins with', ['reader'], 'process', undefined, undefined],
    ['an action whose name begins with an allowed one', ['reader'], 'process.list.all', undefined, undefined],
    ['another action', ['reader'], 'exec', undefined, undefined],
    ['a task by name', ['deployer'], 'task.run', 'migrate', 'roles.deployer.allow[0]'],
    ['a task by its beginning', ['deployer'], 'task.run', 'deploy-web', 'roles.deployer.allow[0]'],
    ['another task', ['deployer'], 'task.run', 'drop', undefined],
    ['an action, by who may run tasks alone', ['deployer'], 'exec', undefined, undefined],
    ['everything', ['operator'], 'exec', undefined, 'roles.operator.allow[0]'],
    ['with no role', [], 'ping', undefined, undefined],
    ['with a role that has no rules', ['nothing'], 'ping', undefined, undefined],
    ['with a role that is not in the policy', ['boss'], 'ping', undefined, undefined],
    ['with a role called like what every object has', ['constructor', '__proto__', 'toString'], 'ping', undefined, undefined],
    ['with several roles, by whichever allows it', ['nothing', 'reader'], 'ping', undefined, 'roles.reader.allow[0]'],
  ]; // prettier-ignore

  it.each(rows)('decides about %s', (_what, roles, action, task, rule) => {
    const decision = decide(policy, { roles, action, task });
    expect(decision).toEqual(rule === undefined ? { allowed: false, rule: 'default' } : { allowed: true, rule });
  });

  it('does not take a rule for actions as one for tasks', () => {
    const actionsOnly = Policy.parse({ version: 1, roles: { all: { allow: [{ actions: ['*'] }] } } });
    expect(decide(actionsOnly, { roles: ['all'], action: 'task.run', task: 'migrate' }).allowed).toBe(false);
  });
});

describe('authorize', () => {
  const fleet = new FleetMaterial();
  const attempt = async (who: BodyChanges, command: Partial<Command>) => {
    const operator = await fleet.operator('alice', who);
    const caller = fleet.trust(new ManualClock()).verify(operator.credential);
    const verified = {
      command: fleet.command('who', command),
      caller,
      signers: [caller],
      payloadHash: new Uint8Array(32),
      subject: '',
    };
    const log = recordingLog();
    const facts = { live: () => Promise.resolve({ role: 'db' }) };
    const dependencies = { node: 'db1', facts, log, policy: () => policy };
    const code = await codeOfAsync(async () => {
      const permission = authorize(verified, dependencies);
      await authorizeHere(verified, dependencies);
      log.info(permission, 'allowed');
    });
    return { code, events: log.events.map(({ message, fields }) => `${message} by ${String(fields['rule'])}`) };
  };

  it.each<[string, BodyChanges, Partial<Command>, string, string]>([
    ['whom the policy allows it', { roles: ['reader'] }, {}, 'accepted', 'allowed by roles.reader.allow[0]'],
    ['whom the policy does not allow it', { roles: ['reader'] }, { action: 'exec' }, 'not-authorized', 'refused by default'],
    ['without a role', { roles: [] }, {}, 'not-authorized', 'refused by default'],
    ['whose credential is for this action', { limits: { actions: ['ping'] } }, {}, 'accepted', 'allowed by roles.operator.allow[0]'],
    ['whose credential is for other actions', { limits: { actions: ['facts.get'] } }, {}, 'not-authorized', 'refused by credential.actions'],
    ['whose credential is for these nodes', { limits: { where: 'role=db' } }, {}, 'accepted', 'allowed by roles.operator.allow[0]'],
    ['whose credential is for other nodes', { limits: { where: 'role=web' } }, {}, 'not-authorized', 'refused by credential.where'],
    ['who may run the task', { roles: ['deployer'] }, { action: 'task.run', args: { task: 'migrate' } }, 'accepted', 'allowed by roles.deployer.allow[0]'],
    ['who hides the task in another type', { roles: ['deployer'] }, { action: 'task.run', args: { task: ['migrate'] } }, 'not-authorized', 'refused by default'],
  ])('decides about a caller %s, and writes it down', async (_what, who, command, code, event) => {
    expect(await attempt(who, command)).toEqual({ code, events: [event] });
  }); // prettier-ignore

  it('refuses, rather than breaks, when the credential limits to nodes in words that can not be read', async () => {
    const { code } = await attempt({ limits: { where: 'role=' } }, {});
    expect(code).toBe('not-authorized');
  });
});
