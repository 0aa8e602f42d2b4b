/** Recorded output on a real bus: what a lying node stores there, and what is left when there was no room for all of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveOutput } from '../../controller/output/live-output.ts';
import type { OutputLoss } from '../../controller/output/output-intake.ts';
import type { OutputSink } from '../../controller/output/output-sink.ts';
import { Receiver } from '../../controller/receive.ts';
import { systemClock as clock } from '../../shared/clock.ts';
import { sha256, toHex } from '../../shared/signing.ts';
import { jobStream, outputStream } from '../../shared/streams.ts';
import { encodeCommand, type Command } from '../../shared/wire/command.ts';
import { seal } from '../../shared/wire/envelope.ts';
import { encodeResult, type OutputPiece, type Result } from '../../shared/wire/result.ts';
import { BusFleet } from '../support/bus-fleet.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { ManualClock, NOW } from '../support/manual-clock.ts';
import { waitFor } from '../support/wait-for.ts';

const fleet = new FleetMaterial();
const { subjects } = fleet;
let busFleet: BusFleet;
let db1: Member;
let db2: Member;
beforeAll(async () => {
  busFleet = await BusFleet.start(fleet);
  [db1, db2] = [await fleet.node('db1'), await fleet.node('db2')];
});
afterAll(() => busFleet?.stop());

function asked(label: string): {
  command: Command;
  sign: (by: Member, result: Partial<Result>) => Promise<Uint8Array>;
} {
  const command = fleet.command(label, { job: label.padEnd(26, '0'), reply: 'rec' });
  const head = { id: command.id, job: command.job, command: sha256(encodeCommand(command)), seq: 0, now: NOW };
  return {
    command,
    sign: (by, result) => {
      const node = by.credential.body.name;
      const payload = encodeResult({ ...head, node, kind: 'output', ...result });
      return seal('result', fleet.fleetId, by, payload, { inlineCredential: true });
    },
  };
}

const piece = (offset: number, text: string, more: Partial<OutputPiece> = {}): Partial<Result> => ({
  output: { stream: 'stdout', offset, bytes: Buffer.from(text), ...more },
});

/** Reads as alice does. */
async function read({ id, job, ...command }: Command): Promise<{
  readonly told: string[];
  readonly receiver: Receiver;
  readonly output: LiveOutput;
  readonly losses: Map<string, OutputLoss>;
}> {
  const trust = fleet.trust(new ManualClock());
  for (const { credential } of [db1, db2]) trust.verify(credential);
  const receiver = new Receiver({ caller: 'alice', job }, { subjects, trust });
  receiver.expectAnswersTo({ id: toHex(id), payloadHash: toHex(sha256(encodeCommand({ id, job, ...command }))) });
  const told: string[] = [];
  const sink: OutputSink = {
    piece: ({ node, offset, bytes }) => void told.push(`${node} ${offset} ${Buffer.from(bytes).toString().slice(0, 20)}`),
    missing: ({ node, offset, count }) => void told.push(`${node} ${offset} missing ${count}`),
    ended: (node) => void told.push(`${node} ended`),
  }; // prettier-ignore
  const losses = new Map<string, OutputLoss>();
  const output = new LiveOutput(
    { sinks: [sink], onLosses: (found) => found.forEach((loss, node) => losses.set(node, loss)) },
    { fleet: 'main', caller: 'alice', job, bus: await busFleet.bus('alice'), clock, subjects, receiver, credit: undefined },
  ); // prettier-ignore
  await output.start();
  return { told, receiver, output, losses };
}

describe('what a lying node stores as output', () => {
  it('counts only where it is its own, for this very command, where it belongs, and new', async () => {
    const { command, sign } = asked('lies');
    const other = asked('other');
    const { told, receiver, output } = await read(command);
    const place = subjects.output('alice', command.job, 'db1');
    const [one, two] = [await busFleet.bus('db1'), await busFleet.bus('db2')];
    const first = await sign(db1, piece(0, 'one\n'));
    await one.store(place, first);
    // Of another job, replayed; of another node, under one's own subject; damaged; a final; another stream; before the beginning.
    await one.store(place, await other.sign(db1, piece(4, 'replayed\n')));
    await two.store(subjects.output('alice', command.job, 'db2'), await sign(db1, piece(4, 'of another\n')));
    await one.store(
      place,
      Uint8Array.from(first, (byte, at) => (at === first.length - 3 ? byte ^ 1 : byte)),
    );
    await one.store(place, await sign(db1, { kind: 'result', state: 'ok', data: {} }));
    await one.store(place, await sign(db1, piece(4, 'x', { stream: 'log' as 'stdout' })));
    await one.store(place, await sign(db1, piece(-1, 'x')));
    // What came before once more, and cut otherwise.
    await one.store(place, first);
    await one.store(place, await sign(db1, piece(2, 'e\ntwo\n')));
    await waitFor(() => told.length >= 2, { what: 'the second piece' });
    expect(told).toEqual(['db1 0 one\n', 'db1 4 two\n']);
    expect(receiver.rejected).toBe(6);
    output.close();
  });

  it('is told of where it is not what its own digest says', async () => {
    const { command, sign } = asked('digest');
    const { output, losses } = await read(command);
    const bus = await busFleet.bus('db1');
    await bus.store(subjects.output('alice', command.job, 'db1'), await sign(db1, piece(0, 'what it says now\n')));
    const wanted = Buffer.from('what it wrote then');
    const digest = { bytes: 17, sha256: sha256(wanted) };
    output.take({ node: 'db1', kind: 'result', state: 'ok', streams: { stdout: digest, stderr: { bytes: 0, sha256: sha256(new Uint8Array()) } } } as unknown as Result); // prettier-ignore
    await output.finish(undefined);
    output.close();
    expect(losses.get('db1')).toEqual({ missing: 0, dropped: 0, isAltered: true });
  });
});

describe('output for which the bus had no room', () => {
  it('is missing from its beginning, is counted and said; and how it ended is there', async () => {
    const owner = await busFleet.owner();
    const jsm = await owner.jetstreamManager();
    await jsm.streams.update(outputStream('main'), { max_bytes: 300_000 });
    // It stays so, whoever brings the streams to their settings.
    const { command, sign } = asked('evicted');
    const bus = await busFleet.bus('db1');
    const pieces = Array.from({ length: 10 }, (_, at) => `${at}`.repeat(50_000));
    for (const [at, text] of pieces.entries())
      await bus.store(subjects.output('alice', command.job, 'db1'), await sign(db1, piece(at * 50_000, text)));
    const streams = {
      stdout: { bytes: 500_000, sha256: sha256(Buffer.from(pieces.join(''))) },
      stderr: { bytes: 0, sha256: sha256(new Uint8Array()) },
    };
    const final = { kind: 'result', state: 'ok', data: { stdout: '0…9' }, streams } as const;
    await bus.store(subjects.record('alice', command.job, 'db1'), await sign(db1, final));
    const { told, receiver, output, losses } = await read(command);
    const finals: Result[] = [];
    await (await busFleet.bus('alice')).read(jobStream('main'), subjects.recordsOf('alice', command.job), (stored) => void finals.push(receiver.receive(stored)!)); // prettier-ignore
    expect(finals).toHaveLength(1);
    output.take(finals[0]!);
    await output.finish(undefined);
    output.close();
    const kept = told.filter((line) => /^db1 \d+ \d{20}$/.test(line));
    expect(kept.length).toBeGreaterThan(2);
    expect(kept.length).toBeLessThan(7);
    const missing = 500_000 - kept.length * 50_000;
    expect(told[0]).toBe(`db1 0 missing ${missing}`);
    expect(told.at(-1)).toBe('db1 ended');
    expect(losses.get('db1')).toEqual({ missing, dropped: 0, isAltered: false });
  });
});
