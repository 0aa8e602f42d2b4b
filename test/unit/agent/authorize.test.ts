import { describe, expect, it } from 'vitest';
import type { RunnableAction } from '../../../agent/actions/action.ts';
import { authorizeConditions } from '../../../agent/authorize-conditions.ts';
import { authorize, authorizeHere } from '../../../agent/authorize.ts';
import { ping } from '../../../shared/actions/ping.ts';
import { compilePolicy } from '../../../shared/policy/compile.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { FleetMaterial, type BodyChanges } from '../../support/fleet-material.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { codeOfAsync } from '../../support/refusal.ts';

const policy = compilePolicy({
  version: 1,
  roles: {
    reader: { allow: [{ actions: ['ping', 'process.list'] }, { actions: ['facts.*'] }] },
    deployer: { allow: [{ tasks: ['migrate', 'deploy-*'] }] },
    operator: { allow: [{ actions: ['*'], tasks: ['*'] }] },
  },
});

const ACTION: RunnableAction = {
  definition: { ...ping, name: 'any' },
  run: () => Promise.resolve({ state: 'ok' }),
};

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
    const dependencies = { node: 'db1', facts, log, policies: () => ({ fleet: policy, node: undefined }) };
    const code = await codeOfAsync(async () => {
      const candidates = authorize(verified, dependencies);
      await authorizeHere(verified, dependencies);
      log.info(
        await authorizeConditions(verified, candidates, { action: ACTION, input: {}, now: 0 }, dependencies),
        'allowed',
      );
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
