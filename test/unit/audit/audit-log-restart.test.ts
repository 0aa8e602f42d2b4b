/** The audit trail of a writer that comes back: after a kill, with files that are gone, changed, or put back. */
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HistoryTrust } from '../../../controller/audit/history-trust.ts';
import { verifyFolder } from '../../../controller/audit/verify-folder.ts';
import { TransportError } from '../../../shared/errors.ts';
import { AuditWriter, expectChained, write } from '../../support/audit-writer.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const away = new TransportError('the bus is away', { code: 'bus-storage' });

describe('after a restart', () => {
  it('goes on in the same chain, with what was not stored', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const first = await writer.open();
    write(first, 'a');
    await first.flush();
    writer.bus.broken = away;
    write(first, 'b');
    await first.close();
    writer.bus.broken = undefined;
    const second = await writer.open();
    write(second, 'c');
    await second.flush();
    await second.close();
    expect(writer.events()).toEqual(['a', 'b', 'c']);
    expect(writer.chains()).toHaveLength(1);
    expectChained(writer.bus);
  });

  it('has what was recorded before a change, also where the process was killed at once', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const killed = await writer.open();
    await killed.record({ event: 'started' }, { durable: true });
    // As it lies on the disk at this moment.
    const copy = temporaryFolder();
    cpSync(writer.folder, copy, { recursive: true });
    await killed.close();
    const after = new AuditWriter(copy);
    const log = await after.open();
    await log.flush();
    await log.close();
    expect(after.events()).toEqual(['started']);
  });

  it.each([1, 7, 30])('cuts a last line off that lacks %i bytes, says so, and goes on', async (missing) => {
    const writer = new AuditWriter(temporaryFolder());
    const first = await writer.open();
    writer.bus.broken = away;
    write(first, 'a', 'b');
    await first.record({ event: 'c' }, { durable: true });
    const torn = temporaryFolder();
    cpSync(writer.folder, torn, { recursive: true });
    await first.close();
    const after = new AuditWriter(torn);
    truncateSync(after.newest(), statSync(after.newest()).size - missing);
    const log = await after.open();
    write(log, 'd');
    await log.flush();
    await log.close();
    expect(after.events()).toEqual(['a', 'b', 'd']);
    expect(after.log.events.map(({ message }) => message)).toContain(
      'a line of the audit trail was never finished: cut off',
    );
    expectChained(after.bus);
  });

  it.each([1, 2, 3])(
    'stores nothing twice where the power went before its last %i lines were on the disk',
    async (lost) => {
      const writer = new AuditWriter(temporaryFolder());
      const first = await writer.open();
      write(first, 'a');
      await first.flush();
      write(first, 'b', 'c');
      await first.flush();
      await first.close();
      const path = writer.newest();
      const lines = readFileSync(path, 'latin1').split('\n');
      // Of the last batch: its records, its signature, and that the bus has it.
      writeFileSync(path, lines.toSpliced(-1 - lost, lost).join('\n'), 'latin1');
      const second = await writer.open();
      write(second, 'd');
      await second.flush();
      write(second, 'e');
      await second.flush();
      await second.close();
      expect(writer.events()).toEqual(['a', 'b', 'c', 'd', 'e']);
      expectChained(writer.bus);
      // What was lost is a record only where all three are.
      expect(writer.chains()).toHaveLength(lost === 3 ? 2 : 1);
      const trust = new HistoryTrust({ fleetId: writer.fleet.fleetId, roots: [writer.fleet.root.publicKey] });
      const source = { trust, subjects: writer.fleet.subjects };
      expect(await verifyFolder(writer.trailFolder, source, { now: writer.clock.now() })).toMatchObject({ flaw: null });
    },
  );

  it('begins anew after the last that the bus has, where the files are gone', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const first = await writer.open();
    write(first, 'a');
    await first.close();
    rmSync(writer.trailFolder, { recursive: true });
    const second = await writer.open();
    write(second, 'b');
    await second.close();
    expect(writer.events()).toEqual(['a', 'b']);
    expect(writer.chains()).toHaveLength(2);
    expectChained(writer.bus);
  });

  it('sets a changed file aside, and carries over what the bus does not have', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const first = await writer.open();
    write(first, 'a');
    await first.flush();
    writer.bus.broken = away;
    write(first, 'b', 'c');
    await first.close();
    writer.bus.broken = undefined;
    const path = writer.newest();
    const lines = readFileSync(path, 'latin1').split('\n');
    lines[1] = `${lines[1]!.slice(0, 20)}A${lines[1]!.slice(21)}`;
    writeFileSync(path, lines.join('\n'), 'latin1');
    const second = await writer.open();
    write(second, 'd');
    await second.close();
    expect(writer.events()).toEqual(['a', 'b', 'c', 'd']);
    expect(writer.chains()).toHaveLength(2);
    expect(writer.files().some((name) => name.endsWith('.damaged'))).toBe(true);
    expectChained(writer.bus);
  });

  it('does not go on from files that were put back, but after what the bus has', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const first = await writer.open();
    write(first, 'a');
    await first.close();
    const backup = temporaryFolder();
    cpSync(writer.folder, backup, { recursive: true });
    const second = await writer.open();
    write(second, 'b', 'c');
    await second.close();
    rmSync(writer.folder, { recursive: true });
    cpSync(backup, writer.folder, { recursive: true });
    const third = await writer.open();
    write(third, 'd');
    await third.flush();
    await third.close();
    expect(writer.events()).toEqual(['a', 'b', 'c', 'd']);
    expect(writer.chains()).toHaveLength(2);
    expectChained(writer.bus);
    expect(writer.log.events.some(({ fields }) => fields['reason'] === 'rolled-back')).toBe(true);
  });

  it('is not moved by a batch under its subject that its own key did not sign', async () => {
    const writer = new AuditWriter(temporaryFolder());
    const first = await writer.open();
    write(first, 'a');
    await first.close();
    const thief = new AuditWriter(temporaryFolder());
    cpSync(writer.folder, thief.folder, { recursive: true });
    const forged = await thief.open({ bus: writer.bus, identity: await writer.fleet.node('db2') });
    write(forged, 'forged');
    await forged.close();
    const second = await writer.open();
    write(second, 'b');
    await second.flush();
    await second.close();
    expect(writer.chains()).toHaveLength(1);
    expect(writer.events()).toEqual(['a', 'forged', 'b']);
  });
});
