/** Which parameters are secrets where nodes differ: one that lies can make nobody show a secret, nor type one for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { hiding, readTaskSecrets } from '../../../../controller/commands/task-secrets.ts';
import { createTarget } from '../../../../controller/target.ts';
import { checkParameters } from '../../../../shared/task-parameters.ts';
import type { TaskParameter, TaskSummary } from '../../../../shared/wire/inventory.ts';
import { codeOfAsync } from '../../../support/refusal.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const task = (parameters: Record<string, Partial<TaskParameter>>): TaskSummary => ({
  name: 'db-user',
  changes: true,
  check: false,
  parameters: Object.fromEntries(
    Object.entries(parameters).map(([name, one]) => [name, { type: 'string' as const, ...one }]),
  ),
});
const SECRET = { sensitive: true, required: true };
const sources = {
  app: { stdin: Readable.from([]), stderr: new PassThrough(), interrupt: new AbortController().signal },
  warn: () => undefined,
};
const read = (definitions: TaskSummary[], given: Record<string, string>, where?: string) =>
  readTaskSecrets(definitions, given, createTarget({ where }), sources);
function secretFile(): string {
  const path = join(temporaryFolder(), 'secret');
  writeFileSync(path, 's', { mode: 0o600 });
  return path;
}

describe('a parameter that one of the nodes calls a secret', () => {
  const definitions = [task({ user: {}, password: SECRET }), task({ user: {}, password: {} })];

  it('is one for all: it goes to nobody in the clear', async () => {
    const given = { user: 'app', password: `@${secretFile()}` };
    expect(await read(definitions, given)).toEqual({ open: { user: 'app' }, secrets: { password: 's' } });
    expect(await codeOfAsync(() => read(definitions, { password: 'hunter2' }))).toBe('secret-in-the-clear');
  });

  it('is not asked for, if the others do not need it: the node could be after a password', async () => {
    expect(await read(definitions, { user: 'app' })).toEqual({ open: { user: 'app' }, secrets: {} });
    expect(await codeOfAsync(() => read(definitions.slice(0, 1), {}))).toBe('bad-secret');
  });

  it('is not shown by what the others say of it', async () => {
    const loose = hiding(task({ word: { pattern: '[a-z]+' } }), new Set(['word']));
    const { problem } = await checkParameters(loose, { word: 'HUNTER2' });
    expect(problem).toContain('not what was given (not shown)');
  });
});

describe('the target of a task that may have a secret', () => {
  const definitions = [task({ token: { sensitive: true, required: false } })];

  it('has to be trusted when one is given, and only then', async () => {
    expect(await read(definitions, {}, 'role=db')).toEqual({ open: {}, secrets: {} });
    const given = { token: `@${secretFile()}` };
    expect(await codeOfAsync(() => read(definitions, given, 'role=db'))).toBe('untrusted-target');
    expect(await codeOfAsync(() => read(definitions, given, 'trusted.role=db'))).toBe('accepted');
  });
});
