/** What a run writes down of itself lies on the same disk as its output, and counts as much. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Users } from '../../../../agent/process/users.ts';
import type { Start } from '../../../../agent/runner/messages.ts';
import { ProgramRun } from '../../../../agent/runner/program-run.ts';
import { SpoolRoom } from '../../../../agent/runner/spool-room.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

it('counts how a program ended among what the spool has, until its run is removed', async () => {
  const folder = join(temporaryFolder(), 'spool');
  mkdirSync(folder);
  const room = new SpoolRoom(folder);
  room.setLimit(2_000);
  const run = new ProgramRun({ run: 'r1' } as Start, {
    folder,
    room,
    clock: new ManualClock(),
    users: new Users(),
    onOutput: () => {},
  });
  expect(room.hasRoomFor(1_000)).toBe(true);
  const outcome = { state: 'failed', code: 'x', reason: 'r'.repeat(1_500) } as const;
  await run.keepEnd({ type: 'ended', started: 1, ended: 2, outcome });
  expect(room.hasRoomFor(1_000)).toBe(false);
  room.remove('r1');
  expect(room.hasRoomFor(1_000)).toBe(true);
});
