/** What conditions of a policy see of a task: what it will run with, and not how that was written. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { execAction } from '../../../agent/actions/exec.ts';
import { taskRunAction } from '../../../agent/actions/task-run.ts';
import { authorizeConditions } from '../../../agent/authorize-conditions.ts';
import { authorize } from '../../../agent/authorize.ts';
import { ownPrograms } from '../../../agent/process/programs.ts';
import { Users } from '../../../agent/process/users.ts';
import { ExclusiveTasks } from '../../../agent/tasks/exclusive-tasks.ts';
import { TaskStore } from '../../../agent/tasks/task-store.ts';
import { systemClock } from '../../../shared/clock.ts';
import { compilePolicy } from '../../../shared/policy/compile.ts';
import type { AllowRule } from '../../../shared/policy/policy.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { codeOfAsync } from '../../support/refusal.ts';

const programs = ownPrograms({ users: new Users(), clock: systemClock });
const folder = await mkdtemp(join(tmpdir(), 'fleet-conditions-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const tasks = new TaskStore({ folder });
const parameters = {
  uid: { type: 'integer', required: false },
  user: { type: 'string', default: 'root' },
  force: { type: 'boolean', required: false },
  password: { type: 'string', sensitive: true, required: false },
};
const template = { argv: ['true'], env: { P: '{{password}}' }, parameters };
await writeFile(join(folder, 'chown.yaml'), JSON.stringify(template), { mode: 0o644 });

async function verdictOf(
  rule: AllowRule,
  action: 'task.run' | 'exec',
  input: Record<string, unknown>,
  secrets: readonly string[] = [],
): Promise<string> {
  const fleet = new FleetMaterial();
  const caller = fleet.trust(new ManualClock()).verify((await fleet.operator('alice')).credential);
  const verified = {
    command: fleet.command('1', {
      action,
      args: input,
      ...(secrets.length === 0 ? {} : { sealed: { names: [...secrets], data: new Uint8Array(0) } }),
    }),
    caller,
    signers: [caller] as const,
    payloadHash: new Uint8Array(32),
    attachment: undefined,
    subject: '',
  };
  const policies = { fleet: compilePolicy({ version: 1, roles: { operator: { allow: [rule] } } }), node: undefined };
  const facts = { live: () => Promise.resolve({}) };
  const dependencies = { node: 'db1', facts, log: recordingLog(), policies: () => policies };
  const asked = {
    action:
      action === 'exec' ? execAction(programs) : taskRunAction({ tasks, programs, exclusive: new ExclusiveTasks() }),
    input,
    now: NOW,
  };
  return codeOfAsync(() => authorizeConditions(verified, authorize(verified, dependencies), asked, dependencies));
}

describe('conditions over the parameters of a task', () => {
  const run = (args: Record<string, unknown>, condition: string, secrets?: readonly string[]): Promise<string> =>
    verdictOf({ tasks: ['chown'], args: condition }, 'task.run', { task: 'chown', args }, secrets);

  it.each<[Record<string, unknown>, string, string]>([
    [{ uid: '50' }, 'uid=50', 'accepted'],
    [{ uid: '500' }, 'uid=50', 'not-authorized'],
    [{ uid: '0050' }, 'uid=50', 'accepted'],
    [{ uid: '00' }, 'uid!=0', 'not-authorized'],
    [{ uid: '+0' }, 'uid!=0', 'not-authorized'],
    [{ uid: '-0' }, 'uid!=0', 'not-authorized'],
    [{ uid: 7 }, 'uid!=0', 'accepted'],
    [{}, 'uid!=0', 'not-authorized'],
    [{}, 'user=root', 'accepted'],
    [{}, 'user!=root', 'not-authorized'],
    [{ user: 'Root' }, 'user!=root', 'accepted'],
    [{ force: 'true' }, 'not force', 'not-authorized'],
    [{ force: 'false' }, 'not force', 'accepted'],
    [{}, 'not has(uid)', 'accepted'],
    [{ uid: 'zero' }, 'uid!=0', 'invalid-input'],
    [{ gid: 1 }, 'uid!=0', 'invalid-input'],
  ])('%j and %s: %s', async (args, condition, code) => {
    expect(await run(args, condition)).toBe(code);
  });

  it('that ask about what came sealed do not hold, nor do their opposites: it can be neither guessed nor hidden', async () => {
    for (const condition of ['has(password)', 'not has(password)', 'password=x', 'password!=x', 'not pass*=x'])
      expect(await run({}, condition, ['password']), condition).toBe('not-authorized');
    expect(await run({ uid: 1 }, 'uid=1', ['password'])).toBe('accepted');
    expect(await run({}, 'not has(password)')).toBe('accepted');
  });

  it('are asked of nothing that came sealed and should not have, or the other way round', async () => {
    expect(await run({}, 'user=root', ['user'])).toBe('invalid-input');
    expect(await run({ password: 'x' }, 'user=root')).toBe('invalid-input');
  });

  it('say of a task that is not there that it is not', async () => {
    const rule = { tasks: ['*'], args: 'uid=1' };
    expect(await verdictOf(rule, 'task.run', { task: 'chwon', args: {} })).toBe('no-such-task');
  });
});

describe('conditions over the arguments of an action', () => {
  const exact =
    'argv.0=systemctl and argv.1=restart and not has(argv.2) and not has(env) and not has(user) and not shell';
  const run = (input: Record<string, unknown>, secrets?: readonly string[]): Promise<string> =>
    verdictOf({ actions: ['exec'], args: exact }, 'exec', input, secrets);

  it.each<[Record<string, unknown>, string]>([
    [{ argv: ['systemctl', 'restart'] }, 'accepted'],
    [{ argv: ['systemctl', 'restart', 'sshd'] }, 'not-authorized'],
    [{ argv: ['systemctl'] }, 'not-authorized'],
    [{ argv: ['systemctl', 'restart'], env: {} }, 'not-authorized'],
    [{ argv: ['systemctl', 'restart'], user: 'root' }, 'not-authorized'],
    [{ argv: ['systemctl restart'], shell: true }, 'not-authorized'],
  ])('%j: %s', async (input, code) => {
    expect(await run(input)).toBe(code);
  });

  it('do not hold for variables that came sealed', async () => {
    expect(await run({ argv: ['systemctl', 'restart'] }, ['LD_PRELOAD'])).toBe('not-authorized');
  });
});
