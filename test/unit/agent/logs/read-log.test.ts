import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLogFile } from '../../../../agent/logs/open-log-file.ts';
import { readerOf, readLog } from '../../../../agent/logs/read-log.ts';
import type { OutputSource } from '../../../../agent/output/output-source.ts';
import { logsRead } from '../../../../shared/actions/logs-read.ts';
import { sha256, toHex } from '../../../../shared/signing.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { waitFor } from '../../../support/wait-for.ts';

const never = new AbortController().signal;

describe('a log file', () => {
  it('is read where its owner lets it be, and nowhere else', async () => {
    const folder = temporaryFolder();
    const [logs, other] = [join(folder, 'logs'), join(folder, 'other')];
    mkdirSync(join(logs, 'app'), { recursive: true });
    mkdirSync(other);
    writeFileSync(join(logs, 'app', 'a.log'), 'a\n');
    writeFileSync(join(other, 'secret'), 's\n');
    symlinkSync(join(other, 'secret'), join(logs, 'link'));
    symlinkSync(other, join(logs, 'folder'));
    symlinkSync(join(logs, 'app', 'a.log'), join(other, 'back'));
    execFileSync('mkfifo', [join(logs, 'pipe')]);
    await (await openLogFile(join(logs, 'app', 'a.log'), [logs])).close();
    // It leads to one that may be read.
    await (await openLogFile(join(other, 'back'), [logs])).close();
    const refused = { name: 'RefusedError', code: 'not-authorized' };
    for (const path of ['link', 'folder/secret', '../other/secret', '../other/none', 'app/../../other/secret'])
      await expect(openLogFile(join(logs, path), [logs]), path).rejects.toMatchObject(refused);
    await expect(openLogFile(`${logs}/../other/secret`, [logs])).rejects.toMatchObject(refused);
    await expect(openLogFile(`${logs}-more`, [logs])).rejects.toMatchObject(refused);
    await expect(openLogFile(join(logs, 'app', 'a.log'), [])).rejects.toMatchObject(refused);
    await expect(openLogFile(join(logs, 'none'), [logs])).rejects.toMatchObject({ code: 'not-found' });
    await expect(openLogFile(join(logs, 'pipe'), [logs])).rejects.toMatchObject({ code: 'not-readable' });
    await expect(openLogFile(join(logs, 'app'), [logs])).rejects.toMatchObject({ code: 'not-readable' });
  });

  it('gives its last lines, and of them those that match', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.log');
    writeFileSync(file, Array.from({ length: 50 }, (_, at) => `line ${at} of ä\n`).join('') + 'no end');
    const read = await readLog({ file, lines: 3 }, [folder], { signal: never });
    expect(read).toMatchObject({ state: 'ok', data: { stdout: 'line 48 of ä\nline 49 of ä\nno end', exit: 0 } });
    expect(toHex(read.streams?.['stdout']?.sha256 ?? new Uint8Array())).toBe(toHex(sha256(Buffer.from(read.data?.stdout ?? ''))));
    const found = await readLog({ file, lines: 20, grep: '[05] of|end$' }, [folder], { signal: never });
    expect(found.data?.stdout).toBe('line 35 of ä\nline 40 of ä\nline 45 of ä\nno end\n');
    await expect(readLog({ file, grep: '(' }, [folder], { signal: never })).rejects.toMatchObject({ code: 'invalid-input' });
  }); // prettier-ignore

  it('is followed until somebody says so, as fast as it is taken and no faster', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.log');
    writeFileSync(file, 'first\n');
    const stop = new AbortController();
    let source: OutputSource | undefined;
    const reading = readLog({ file, follow: true, lines: 5 }, [folder], {
      signal: stop.signal,
      output: (piped) => (source = piped),
    });
    const size = (): number => source?.state.streams.stdout.bytes ?? 0;
    await waitFor(() => size() === 6, { what: 'the line that was there' });
    const more = `${'x'.repeat(99)}\n`.repeat(20_000);
    appendFileSync(file, more);
    await waitFor(() => size() >= 128 * 1024, { what: 'the room to be full' });
    // A pipe and what Node reads at once: far from the two megabytes that there are.
    expect(size()).toBeLessThan(600_000);
    let at = 0;
    const taken: Uint8Array[] = [];
    while (at < 6 + more.length) {
      await waitFor(() => size() > at, { what: 'more of it', everyMs: 1 });
      const bytes = (await source?.read('stdout', at, 50_000)) ?? new Uint8Array();
      taken.push(bytes);
      at += bytes.length;
      source?.release('stdout', at);
    }
    expect(Buffer.concat(taken).toString()).toBe(`first\n${more}`);
    stop.abort('cancelled');
    expect(await reading).toMatchObject({ state: 'cancelled' });
  });

  it('of which nobody hears any more is not followed any more', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a.log');
    writeFileSync(file, `${'x'.repeat(999)}\n`.repeat(5_000));
    let source: OutputSource | undefined;
    const reading = readLog({ file, follow: true, lines: 5_000 }, [folder], {
      signal: never,
      output: (piped) => (source = piped),
    });
    await waitFor(() => source !== undefined && source.state.streams.stdout.bytes >= 128 * 1024, { what: 'its room to be full' }); // prettier-ignore
    source?.unheard?.();
    expect((await reading).data).toMatchObject({ signal: 'TERM' });
  });
});

describe('what is asked of the journal', () => {
  it('becomes arguments, and nothing in it becomes an option', () => {
    expect(readerOf({ unit: 'nginx', lines: 5, since: 1_700_000_000_900, follow: true })).toEqual([
      'journalctl', '--no-pager', '--quiet', '--output=short-iso', '--lines=5', '--unit=nginx', '--since=@1700000000', '--follow',
    ]); // prettier-ignore
    for (const unit of ['-f', '--file=/etc/shadow', 'a b', 'a\n', '', '/etc/x'])
      expect(logsRead.input.safeParse({ unit }).success, unit).toBe(false);
    for (const unit of ['nginx.service', 'user@1000.service', 'sys-devices\\x2d1.device', 'app-*'])
      expect(logsRead.input.safeParse({ unit }).success, unit).toBe(true);
    expect(logsRead.input.safeParse({ unit: 'a', file: '/b' }).success).toBe(false);
    expect(logsRead.input.safeParse({ file: 'relative' }).success).toBe(false);
  });
});
