import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../../controller/render/formats.ts';
import { createOutput } from '../../../controller/render/output.ts';
import type { ListReport } from '../../../controller/report.ts';
import { systemClock } from '../../../shared/clock.ts';

const report: ListReport = {
  version: 1,
  command: 'ca list',
  exit: 0,
  list: 'credentials',
  one: 'credential',
  items: [
    { name: 'alice', kind: 'operator' },
    { name: 'db1\u001b[2J', kind: 'node' },
  ],
  fields: ['name', 'kind'],
  table: [
    { title: 'name', text: ({ name }) => String(name) },
    { title: 'kind', text: ({ kind }) => String(kind), tone: () => 'good' },
  ],
  more: { fleet: 'main' },
};

async function written(format: Format, of: ListReport = report): Promise<string> {
  let text = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const output = createOutput({
    format,
    command: of.command,
    stdout: sink,
    stderr: sink,
    isTerminal: false,
    columns: 80,
    color: false,
    quiet: false,
    verbose: false,
    clock: systemClock,
  });
  await output.onEnd(of);
  return text;
}

describe('a plain list', () => {
  it('keeps its order, also as names alone', async () => {
    const items = ['b', 'a', 'b', 'c'].map((name) => ({ name, kind: 'node' }));
    expect(await written('names', { ...report, items })).toBe('b\na\nc\n');
  });

  it('is a table, without what could move the cursor', async () => {
    expect(await written('table')).toMatch(/^name +kind\nalice +operator\ndb1\S+ +node\n$/);
    expect(await written('table')).not.toContain('\u001b');
  });

  it('is nothing at all in a table when it is empty', async () => {
    expect(await written('table', { ...report, items: [] })).toBe('');
  });

  it('is a document under its own name', async () => {
    expect(JSON.parse(await written('json'))).toEqual({
      version: 1,
      command: 'ca list',
      exit: 0,
      fleet: 'main',
      credentials: report.items,
    });
  });

  it('is a line an item, and a summary', async () => {
    const lines = (await written('ndjson')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
      'credential',
      'credential',
      'summary',
    ]);
  });

  it('is CSV by its fields, and names by the first of them', async () => {
    expect(await written('csv')).toMatch(/^name,kind\r\nalice,operator\r\n/);
    expect(await written('names')).toMatch(/^alice\ndb1/);
  });
});
