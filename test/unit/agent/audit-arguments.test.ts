import { describe, expect, it } from 'vitest';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { startNode } from '../../support/node-for-test.ts';

const fleet = new FleetMaterial();

async function audited(task: string): Promise<string> {
  const node = await startNode({ fleet });
  const args = { task, args: { user: 'app', password: 'hunter22' } };
  await node.send(await fleet.operator('alice'), fleet.command(task, { action: 'task.run', args }));
  await node.audit.close();
  return Buffer.concat([...node.auditBus.stored.values()]).toString('latin1');
}

describe('what a node writes down of arguments', () => {
  it('leaves out what should have come sealed, and came in the clear', async () => {
    const text = await audited('sealed');
    expect(text).toContain('task.run');
    expect(text).toContain('app');
    expect(text).toContain('[redacted]');
    expect(text).not.toContain('hunter22');
  });

  it('is all of them, of a task that has no secrets', async () => {
    expect(await audited('open')).toContain('hunter22');
  });
});
