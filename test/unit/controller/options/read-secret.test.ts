/** Where a secret may come from, and that no error shows it. What is typed is tested at a real terminal, in e2e/. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readSecrets } from '../../../../controller/options/read-secret.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const warnings: string[] = [];
function read(
  given: Record<string, string | undefined>,
  { stdin = '', ...others }: { stdin?: string | Uint8Array; stdinTaken?: string } = {},
): Promise<Record<string, string>> {
  warnings.length = 0;
  const app = {
    stdin: Readable.from([Buffer.from(stdin)]),
    stderr: new PassThrough(),
    interrupt: new AbortController().signal,
  };
  return readSecrets(new Map(Object.entries(given)), { app, warn: (text) => void warnings.push(text), ...others });
}
function file(content: string | Uint8Array, mode = 0o600): string {
  const path = join(temporaryFolder(), 'secret');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
const refusal = (attempt: Promise<unknown>): Promise<Error & { code: string; hint?: string }> =>
  attempt.then(
    () => expect.fail('it was taken'),
    (error: Error & { code: string }) => error,
  );

describe('a secret', () => {
  it('is what stands in a file, or comes on standard input', async () => {
    expect(await read({ a: `@${file('one')}`, b: '@-' }, { stdin: 'two' })).toEqual({ a: 'one', b: 'two' });
    expect(warnings).toEqual([]);
  });

  it.each([
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n\n'],
    [' secret ', ' secret '],
    ['-----BEGIN\nabc\n-----END\n', '-----BEGIN\nabc\n-----END\n'],
  ])('loses the end of its only line, and nothing else: %j', async (content, secret) => {
    expect(await read({ a: `@${file(content)}` })).toEqual({ a: secret });
    expect(await read({ a: '@-' }, { stdin: content })).toEqual({ a: secret });
  });

  it('in a file that others may read is taken, with a warning', async () => {
    const path = file('secret', 0o644);
    expect(await read({ password: `@${path}` })).toEqual({ password: 'secret' });
    expect(warnings).toEqual([`password: others may read ${path}; take that away with chmod 600 ${path}`]);
  });

  it('is refused on the command line, with why, and is not repeated', async () => {
    const { code, message, hint } = await refusal(read({ password: 'hunter2' }));
    expect(code).toBe('secret-in-the-clear');
    expect(hint).toContain('(ps)');
    expect(hint).toContain('password=@FILE');
    expect(`${message}${hint}`).not.toContain('hunter2');
  });

  it('that nobody can be asked for says how else to give it', async () => {
    expect(await refusal(read({ password: undefined }))).toMatchObject({
      code: 'bad-secret',
      hint: 'Give password=@FILE, or password=@- for standard input.',
    });
  });

  it('on standard input is one, and nothing else is there', async () => {
    expect(await refusal(read({ a: '@-', b: '@-' }))).toMatchObject({
      message: "standard input can't be b: it is a already",
    });
    expect(await refusal(read({ a: '@-' }, { stdinTaken: 'the list of nodes' }))).toMatchObject({
      message: "standard input can't be a: it is the list of nodes already",
    });
  });

  it('can not be empty, too long, no text, or not there', async () => {
    const long = 'x'.repeat(LIMITS.taskParameterBytes + 1);
    const bad = [file(''), file('\n'), file(long), file(Uint8Array.of(0xff, 0xfe)), '/nowhere/at/all', '', '/'];
    for (const path of bad) expect(await refusal(read({ a: `@${path}` })), path).toMatchObject({ code: 'bad-secret' });
    expect(await refusal(read({ a: '@-' }))).toMatchObject({ code: 'bad-secret' });
  });
});
