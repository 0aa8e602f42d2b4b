/**
 * What lies in the state folder and comes over the runner's socket, damaged in any way: bytes, taken as lines of the socket
 * in two ways of cutting them, as a run's record, and as names of files with output. Nothing throws; what is read is there.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import type * as z from 'zod';
import { LineSocket } from '../../../agent/runner/line-socket.ts';
import { FromRunner, ToRunner } from '../../../agent/runner/messages.ts';
import { readRunRecord, recordPath } from '../../../agent/spool/run-record.ts';
import { measureSegments, readSegments, removeSegments } from '../../../agent/spool/segments.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

const RUN = '0123456789abcdef01234567';

export const spool: FuzzTarget = {
  name: 'spool',
  about: "the runner's socket, records of runs and names of kept output, damaged in any way: read as far as it holds",
  sources: ['agent/runner/line-socket.ts', 'agent/runner/messages.ts', 'agent/spool/run-record.ts', 'agent/spool/segments.ts'], // prettier-ignore
  maxBytes: 2 * 1024,
  shape: 'text',
  dictionary: [
    '{"type":"hello","protocol":1,"maxBytes":1,"maxAgeMs":1}\n', '{"type":"hello","protocol":1,"pid":1,"version":"1","runs":[]}\n',
    `{"type":"forget","run":"${RUN}"}\n`, `{"type":"end","run":"${RUN}","why":"timeout"}\n`, `{"type":"release","run":"${RUN}","stream":"stdout","offset":5}\n`,
    '{"type":"begun","version":1,"at":5,"origin":{"a":1}}\n', '{"type":"started","pid":7,"start":9}\n',
    '{"type":"ended","started":1,"ended":2,"outcome":{"state":"ok"}}\n', 'stdout.000000000000000', 'stdout.000000000000003', 'stderr.999999999999999',
    '../record', '\n', '"type"', '"run"', '-1', '1e999', 'null', '\ud800', '__proto__',
  ], // prettier-ignore
  work: { base: 4_000_000, perByte: 5_000 },
  start: () => Promise.resolve(running()),
};

const MOST_FILES = 6;
const FILE_BYTES = 3;

function running(): RunningTarget {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-fuzz-spool-'));
  const seeds = [
    spool.dictionary.slice(0, 2).join(''),
    spool.dictionary.slice(2, 5).join(''),
    spool.dictionary.slice(5, 8).join(''),
    spool.dictionary.slice(8, 11).join('\n'),
  ].map((text) => new Uint8Array(Buffer.from(text)));
  return {
    seeds,
    run: async (input) => {
      const bytes = Buffer.from(input);
      const socket = [ToRunner, FromRunner].map((schema) => {
        const whole = receive(schema, [bytes]);
        const cut = receive(
          schema,
          Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
        );
        promise(JSON.stringify(whole) === JSON.stringify(cut), 'other messages where the bytes are cut otherwise');
        return whole.length;
      });
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      writeFileSync(recordPath(folder), bytes);
      const record = await readRunRecord(folder);
      promise(record !== undefined, 'a record that is there and is none');
      const files = await lookAtSegments(folder, bytes.toString('latin1').split('\n').slice(0, MOST_FILES));
      const lines = Object.values(record).filter((line) => line !== undefined).length;
      return `${socket.map((count) => Math.min(count, 2)).join('')} ${lines} ${files}`;
    },
    stop: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** What is taken before the connection is ended. */
function receive(schema: z.ZodType, chunks: readonly Buffer[]): unknown[] {
  const taken: unknown[] = [];
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const socket = new LineSocket<unknown, never>(stream as never, schema, (message) => taken.push(message));
  for (const chunk of chunks) if (!stream.destroyed) stream.emit('data', chunk);
  socket.destroy();
  return taken;
}

/** Files of these names, as far as they are names in this folder. */
async function lookAtSegments(folder: string, names: readonly string[]): Promise<number> {
  for (const name of names)
    if (/^[\w.-]{1,64}$/.test(name) && name !== 'record' && !/^\.+$/.test(name))
      writeFileSync(join(folder, name), 'abc'.slice(0, FILE_BYTES));
  let found = 0;
  for (const stream of ['stdout', 'stderr'] as const) {
    const { from, end } = measureSegments(folder, stream);
    promise((from === undefined) === (end === undefined), 'half of a measure');
    if (from === undefined || end === undefined) continue;
    promise(end - from >= FILE_BYTES, 'less than one file');
    found++;
    const bytes = await readSegments(folder, stream, from, 2);
    promise(Buffer.from(bytes).toString() === 'ab', 'other bytes than are there');
    promise((await readSegments(folder, stream, end, 5)).length === 0, 'bytes behind the end');
    promise((await readSegments(folder, stream, from, 0)).length === 0, 'bytes that nobody asked for');
    removeSegments(folder, stream, end);
    promise(measureSegments(folder, stream).from === undefined, 'what was handed over is still there');
  }
  return found;
}
