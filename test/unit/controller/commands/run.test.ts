import { describe, expect, it } from 'vitest';
import { checkGiven } from '../../../../controller/commands/run.ts';
import type { InventoryBody, TaskParameter } from '../../../../shared/wire/inventory.ts';

const node = (name: string, parameters?: Record<string, TaskParameter>): [string, InventoryBody] => [
  name,
  {
    subject: '', revision: 1, node: name, facts: {}, volatile: [], actions: [],
    tasks: parameters === undefined ? [] : [{ name: 'migrate', changes: true, check: false, parameters }],
  },
]; // prettier-ignore
const check = (given: Record<string, string>, ...nodes: [string, InventoryBody][]) =>
  checkGiven('migrate', given, { expected: nodes.map(([name]) => name), inventory: new Map(nodes) });
const STEPS: Record<string, TaskParameter> = { steps: { type: 'integer', max: 9 } };

describe('parameters of a task', () => {
  it('are converted as the one definition of it wants them', async () => {
    expect(await check({ steps: '3' }, node('db1', STEPS), node('db2', STEPS))).toEqual({ steps: 3 });
  });

  it('that no definition takes are an error before anything is sent', async () => {
    const other = { steps: { type: 'boolean' } } as const;
    await expect(check({ steps: '10' }, node('db1', STEPS), node('db2', other))).rejects.toMatchObject({
      code: 'bad-parameter',
    });
  });

  it('that one definition takes go to all, as text: one node can not refuse for the others', async () => {
    const hostile: Record<string, TaskParameter> = { ...STEPS, tribute: { type: 'string', required: true } };
    expect(await check({ steps: '3' }, node('db1', STEPS), node('evil', hostile))).toEqual({ steps: '3' });
  });

  it('of a task that only one node has are checked by its definition, and the others answer for themselves', async () => {
    await expect(check({ steps: 'x' }, node('db1', STEPS), node('web1'))).rejects.toMatchObject({
      code: 'bad-parameter',
    });
    await expect(check({}, node('web1'))).rejects.toMatchObject({ code: 'no-such-task' });
  });
});
