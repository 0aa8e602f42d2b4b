import { describe, expect, it } from 'vitest';
import { OutputIntake, type OutputIntakeDependencies } from '../../../../controller/output/output-intake.ts';
import type { OutputSink } from '../../../../controller/output/output-sink.ts';
import { systemClock as clock } from '../../../../shared/clock.ts';
import { sha256 } from '../../../../shared/signing.ts';
import type { OutputStream, Result } from '../../../../shared/wire/result.ts';
import { waitFor } from '../../../support/wait-for.ts';

/** What the sinks were told, in order. */
function start(options: Partial<OutputIntakeDependencies> = {}): { intake: OutputIntake; told: string[] } {
  const told: string[] = [];
  const sink: OutputSink = {
    piece: ({ node, stream, offset, bytes }) => void told.push(`${node} ${stream} ${offset} ${Buffer.from(bytes).toString()}`),
    missing: ({ node, stream, offset, count }) => void told.push(`${node} ${stream} ${offset} missing ${count}`),
    ended: (node) => void told.push(`${node} ended`),
  }; // prettier-ignore
  return { intake: new OutputIntake({ sinks: [sink], clock, silenceMs: 0, ...options }), told };
}

const piece = (node: string, offset: number, text: string, stream: OutputStream = 'stdout') => ({
  node,
  output: { stream, offset, bytes: Buffer.from(text) },
});

function final(node: string, stdout: string, { isWhole = false, stderr = '', dropped = 0 } = {}): Result {
  const digest = (text: string) => ({ bytes: Buffer.byteLength(text), sha256: sha256(Buffer.from(text)) });
  const streams = { stdout: { ...digest(stdout), ...(dropped > 0 ? { dropped } : {}) }, stderr: digest(stderr) };
  const data = isWhole ? { stdout, stderr } : { stdout: 'head … tail', stderr: '' };
  return { node, kind: 'result', state: 'ok', data, streams } as unknown as Result;
}

describe('the output of a node', () => {
  it('is whole when as much has come as its final says, before or after that', async () => {
    const { intake, told } = start();
    await intake.take(piece('db1', 0, 'one\n'));
    await intake.end(final('db1', 'one\ntwo\n'));
    expect(told).toEqual(['db1 stdout 0 one\n']);
    await intake.take(piece('db1', 4, 'two\n'));
    expect(told).toEqual(['db1 stdout 0 one\n', 'db1 stdout 4 two\n', 'db1 ended']);
    await intake.finish();
    expect(intake.losses.size).toBe(0);
  });

  it('is taken from the final where that has all of it, and pieces that come late say nothing new', async () => {
    const { intake, told } = start();
    await intake.take(piece('db1', 0, 'one\n'));
    await intake.end(final('db1', 'one\ntwo\n', { isWhole: true, stderr: 'oh\n' }));
    await intake.take(piece('db1', 4, 'two\n'));
    expect(told).toEqual(['db1 stdout 0 one\n', 'db1 stdout 4 two\n', 'db1 stderr 0 oh\n', 'db1 ended']);
  });

  it('of a node that says nothing of its streams is the text of its final', async () => {
    const { intake, told } = start();
    const data = { stdout: 'head\n', stderr: '', truncated: { stdout: 12 } };
    await intake.end({ node: 'db1', kind: 'result', state: 'ok', data } as unknown as Result);
    expect(told).toEqual(['db1 stdout 0 head\n', 'db1 ended']);
    expect(intake.losses.get('db1')).toEqual({ missing: 0, dropped: 12, isAltered: false });
  });

  it('has what never came counted, in the middle and at the end', async () => {
    const { intake, told } = start();
    await intake.take(piece('db1', 4, 'two\n'));
    await intake.end(final('db1', 'one\ntwo\nthree\n', { dropped: 100 }));
    await intake.finish();
    expect(told).toEqual([
      'db1 stdout 0 missing 4',
      'db1 stdout 4 two\n',
      'db1 stdout 8 missing 6',
      'db1 ended',
    ]); // prettier-ignore
    expect(intake.losses.get('db1')).toEqual({ missing: 10, dropped: 100, isAltered: false });
  });

  it('is waited for while it comes, and only so long when it does not', async () => {
    const { intake, told } = start({ silenceMs: 50 });
    await intake.end(final('db1', 'abcdef'));
    await intake.end(final('db2', 'x'));
    const finishing = intake.finish();
    for (const [at, letter] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) await intake.take(piece('db1', at, letter));
    await finishing;
    expect(told.at(-1)).toBe('db2 ended');
    expect([...intake.losses.keys()]).toEqual(['db2']);
  });

  it('that is not what its final says is told of: other bytes of the same length', async () => {
    const { intake } = start();
    await intake.take(piece('db1', 0, 'one\n'));
    await intake.end(final('db1', 'two\n'));
    await intake.finish();
    expect(intake.losses.get('db1')).toEqual({ missing: 0, dropped: 0, isAltered: true });
  });

  it('ends where its final says, whatever a node sends behind that', async () => {
    const { intake, told } = start();
    await intake.end(final('db1', 'one\n'));
    await intake.take(piece('db1', 9, 'far'));
    await intake.take(piece('db1', 0, 'one\nand more\n'));
    await intake.take(piece('db1', 4, 'and more\n'));
    await intake.finish();
    expect(told).toEqual(['db1 stdout 0 one\n', 'db1 ended']);
    expect(intake.losses.size).toBe(0);
  });

  it('that overlaps what came before is new only behind it', async () => {
    const { intake, told } = start();
    await intake.take(piece('db1', 0, 'abcd'));
    await intake.take(piece('db1', 2, 'XXef'));
    await intake.take(piece('db1', 0, 'Y'));
    expect(told).toEqual(['db1 stdout 0 abcd', 'db1 stdout 4 ef']);
  });
});

describe('a sink that is slow', () => {
  it('has what comes behind wait, and gets it in order', async () => {
    const told: string[] = [];
    let go: () => void = () => undefined;
    const slow: OutputSink = {
      piece: async ({ node }) => {
        told.push(node);
        await new Promise<void>((resolve) => (go = resolve));
      },
      missing: () => undefined,
      ended: () => undefined,
    };
    const intake = new OutputIntake({ sinks: [slow], clock, silenceMs: 0 });
    const taken = [piece('chatty', 0, 'x'), piece('quiet', 0, 'y')].map(async (one) => intake.take(one));
    let isOver = false;
    void Promise.all(taken).then(() => (isOver = true));
    await waitFor(() => told.length === 1, { what: 'the first piece' });
    go();
    await waitFor(() => told.length === 2, { what: 'the second piece' });
    expect(isOver).toBe(false);
    go();
    await waitFor(() => isOver, { what: 'both to be taken' });
    expect(told).toEqual(['chatty', 'quiet']);
  });

  it('is waited for as long as it takes, with all that comes behind the final', async () => {
    const told: string[] = [];
    let go: () => void = () => undefined;
    const slow: OutputSink = {
      piece: async ({ bytes }) => {
        told.push(Buffer.from(bytes).toString());
        await new Promise<void>((resolve) => (go = resolve));
      },
      missing: ({ count }) => void told.push(`missing ${count}`),
      ended: () => void told.push('ended'),
    };
    const intake = new OutputIntake({ sinks: [slow], clock, silenceMs: 1_000 });
    void intake.take(piece('db1', 0, 'a'));
    void intake.end(final('db1', 'ab'));
    const finishing = intake.finish();
    go();
    void intake.take(piece('db1', 1, 'b'));
    await waitFor(() => told.length === 2, { what: 'the second' });
    go();
    await finishing;
    expect(told).toEqual(['a', 'b', 'ended']);
  });

  it('is waited for, and nothing else is when it has taken all', async () => {
    const told: string[] = [];
    const slow: OutputSink = {
      piece: async ({ node }) => {
        await new Promise((resolve) => setImmediate(resolve));
        told.push(node);
      },
      missing: () => undefined,
      ended: () => undefined,
    };
    // Longer than the test may take: whoever waits for that never comes back.
    const intake = new OutputIntake({ sinks: [slow], clock, silenceMs: 3_600_000 });
    void intake.end(final('db1', 'a', { isWhole: true }));
    void intake.end(final('db2', 'b', { isWhole: true }));
    await intake.finish();
    expect(told).toEqual(['db1', 'db2']);
  });

  it('that fails ends the whole, and is given nothing more', async () => {
    let calls = 0;
    const broken: OutputSink = {
      piece: () => {
        calls++;
        return Promise.reject(new Error('the disk is full'));
      },
      missing: () => undefined,
      ended: () => undefined,
    };
    const intake = new OutputIntake({ sinks: [broken], clock });
    await intake.take(piece('db1', 0, 'x'));
    await intake.take(piece('db1', 1, 'y'));
    await intake.end(final('db1', 'xyz'));
    await expect(intake.finish()).rejects.toThrow('the disk is full');
    expect(calls).toBe(1);
  });
});
