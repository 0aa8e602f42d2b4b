import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStat } from '../../../agent/process/proc-stat.ts';
import { StateLock } from '../../../agent/state-lock.ts';
import { SettingsError } from '../../../shared/errors.ts';
import { startChild } from '../../support/child-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const bootId = 'boot-1';
const take = (stateDir: string): Promise<StateLock> => StateLock.take({ stateDir, bootId });

/** As an agent of another process leaves it. */
async function heldByAnother(stateDir: string, changes: object = {}) {
  const holder = await startChild('/bin/sleep', ['60']);
  const { pid } = holder;
  writeFileSync(join(stateDir, 'lock.7'), JSON.stringify({ pid, bootId, start: readStat(pid)?.start, ...changes }));
  const stop = async (): Promise<void> => void (await holder.stop());
  return { pid, stop, [Symbol.asyncDispose]: stop };
}

async function winnersOf(stateDir: string, count: number): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, () => take(stateDir)));
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'state-in-use' });
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

describe('the lock of a state folder', () => {
  it('is refused to a second agent, by the process that holds it', async () => {
    const stateDir = temporaryFolder();
    await using holder = await heldByAnother(stateDir);
    const error: unknown = await take(stateDir).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SettingsError);
    expect(error).toMatchObject({ code: 'state-in-use', exit: 2 });
    expect((error as Error).message).toContain(`process ${holder.pid}`);
  });

  it('is taken over from a holder that was killed', async () => {
    const stateDir = temporaryFolder();
    const holder = await heldByAnother(stateDir);
    await holder.stop();
    await take(stateDir);
    expect(readdirSync(stateDir)).toEqual(['lock.8']);
  });

  it.each([
    ['that ran before the machine was started', { bootId: 'boot-0' }],
    ['whose number another process has now', { start: 1 }],
  ])('is taken over from a holder %s', async (_what, changes) => {
    const stateDir = temporaryFolder();
    await using holder = await heldByAnother(stateDir, changes);
    await take(stateDir);
    expect(holder.pid).toBeGreaterThan(0);
    expect(readdirSync(stateDir)).toEqual(['lock.8']);
  });

  it.each(['', '{', '{"pid":"1"}'])('is taken over when it holds nothing that can be read: %j', async (text) => {
    const stateDir = temporaryFolder();
    writeFileSync(join(stateDir, 'lock.1'), text);
    await take(stateDir);
    expect(readdirSync(stateDir)).toEqual(['lock.2']);
  });

  it('goes to one of many that want it at once, new or left behind', async () => {
    const fresh = temporaryFolder();
    expect(await winnersOf(fresh, 40)).toBe(1);
    const left = temporaryFolder();
    await (await heldByAnother(left)).stop();
    expect(await winnersOf(left, 40)).toBe(1);
    expect(readdirSync(left)).toHaveLength(1);
  });

  it('is there for the next when it was let go of', async () => {
    const stateDir = temporaryFolder();
    for (let time = 0; time < 3; time++) await (await take(stateDir)).release();
    expect(readdirSync(stateDir)).toEqual(['lock.3']);
    expect(await winnersOf(stateDir, 10)).toBe(1);
  });
});
