import { describe, expect, it, onTestFinished } from 'vitest';
import { OutputSender, type OutputSenderOptions } from '../../../../agent/output/output-sender.ts';
import { Turns } from '../../../../agent/output/turns.ts';
import type { OutputPiece, OutputStream } from '../../../../shared/wire/result.ts';
import { GrowingOutput } from '../../../support/growing-output.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { waitFor } from '../../../support/wait-for.ts';

/** What a bus would have: pieces, as they were handed over. */
class Receiver {
  readonly pieces: OutputPiece[] = [];
  /** Of a piece that is refused: rejects so often before it takes one. */
  failures = 0;
  /** Of those, so many are taken all the same: the confirmation got lost. */
  lostConfirmations = 0;

  readonly send = (piece: OutputPiece): Promise<void> => {
    const isTaken = this.failures === 0 || this.lostConfirmations > 0;
    if (isTaken) this.pieces.push(piece);
    if (this.failures === 0) return Promise.resolve();
    this.failures--;
    this.lostConfirmations = Math.max(0, this.lostConfirmations - 1);
    return Promise.reject(new Error('not stored'));
  };

  /** As a reader has it: of each piece what is new. Throws where something is missing. */
  text(stream: OutputStream): string {
    let whole = Buffer.alloc(0);
    for (const piece of this.pieces.filter((one) => one.stream === stream)) {
      if (piece.offset > whole.length) throw new Error(`nothing between ${whole.length} and ${piece.offset}`);
      whole = Buffer.concat([whole, piece.bytes.subarray(whole.length - piece.offset)]);
    }
    return whole.toString();
  }
}

function start(
  source: GrowingOutput,
  receiver: Receiver,
  options: Partial<OutputSenderOptions> & { turns?: Turns } = {},
): OutputSender {
  const { turns = new Turns(1), ...rest } = options;
  const sender = new OutputSender(
    { pieceBytes: 1000, ...rest },
    { source, send: receiver.send, turns, log: recordingLog() },
  );
  onTestFinished(() => sender.leave());
  return sender;
}

describe('what a program writes', () => {
  it('is sent while it runs, and to the end, each stream in order', async () => {
    const [source, receiver] = [new GrowingOutput(), new Receiver()];
    const sender = start(source, receiver);
    source.write('stdout', 'one\n');
    await waitFor(() => receiver.pieces.length > 0, { what: 'the first piece' });
    for (let at = 0; at < 500; at++) source.write(at % 3 === 0 ? 'stderr' : 'stdout', `${at}\n`);
    source.end();
    await sender.done;
    const numbers = (isError: boolean): string =>
      Array.from({ length: 500 }, (_, at) => at).filter((at) => (at % 3 === 0) === isError).map((at) => `${at}\n`).join(''); // prettier-ignore
    expect(receiver.text('stdout')).toBe(`one\n${numbers(false)}`);
    expect(receiver.text('stderr')).toBe(numbers(true));
    expect(Math.max(...receiver.pieces.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(1000);
    // Lines that come together go together.
    expect(receiver.pieces.length).toBeLessThan(20);
    expect(source.listeners).toBe(0);
  });

  it('is let go of when it has been handed over, and not before', async () => {
    const [source, receiver] = [new GrowingOutput(), new Receiver()];
    receiver.failures = 1;
    const sender = start(source, receiver);
    source.write('stdout', 'x'.repeat(1500));
    await waitFor(() => receiver.failures === 0, { what: 'the first try' });
    expect(source.released.stdout).toBe(0);
    sender.resume();
    await waitFor(() => source.released.stdout === 1500, { what: 'all of it to be handed over' });
    expect(receiver.text('stdout')).toBe('x'.repeat(1500));
  });

  it('comes again where a confirmation got lost, and a reader has it once', async () => {
    const [source, receiver] = [new GrowingOutput(), new Receiver()];
    [receiver.failures, receiver.lostConfirmations] = [3, 2];
    const sender = start(source, receiver);
    source.write('stdout', 'abc\n'.repeat(1000));
    source.end();
    const resuming = waitFor(() => (sender.resume(), receiver.failures === 0), { what: 'the bus to take it' });
    await Promise.all([sender.done, resuming]);
    expect(receiver.pieces.length).toBe(6);
    expect(receiver.text('stdout')).toBe('abc\n'.repeat(1000));
  });

  it('goes on by the next agent where the one before stopped', async () => {
    const [source, receiver] = [new GrowingOutput(), new Receiver()];
    const first = start(source, receiver);
    source.write('stdout', 'a'.repeat(1000));
    await waitFor(() => source.released.stdout === 1000, { what: 'the first piece' });
    await first.leave();
    source.write('stdout', 'b'.repeat(10));
    expect(source.released.stdout).toBe(1000);
    const second = start(source, receiver);
    source.end();
    await second.done;
    expect(receiver.pieces.map(({ offset }) => offset)).toEqual([0, 1000]);
    expect(receiver.text('stdout')).toBe('a'.repeat(1000) + 'b'.repeat(10));
  });

  it('goes no further than its credit, whichever stream it is', async () => {
    const [source, receiver] = [new GrowingOutput(), new Receiver()];
    const sender = start(source, receiver, { allowance: 150 });
    source.write('stdout', 'o'.repeat(100));
    source.write('stderr', 'e'.repeat(100));
    await waitFor(() => sender.lacksCredit, { what: 'the credit to be used up' });
    const sent = (): number => receiver.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(sent()).toBe(150);
    sender.allow(100);
    expect(sender.lacksCredit).toBe(true);
    sender.allow(1000);
    source.end();
    await sender.done;
    expect(sent()).toBe(200);
  });

  it('of one that writes a lot does not hold up one that writes little', async () => {
    const turns = new Turns(1);
    const [chatty, quiet] = [new GrowingOutput(), new GrowingOutput()];
    const order: string[] = [];
    const receivers = ['chatty', 'quiet'].map((name) => {
      const receiver = new Receiver();
      return Object.assign(receiver, { send: (piece: OutputPiece) => (order.push(name), receiver.pieces.push(piece), Promise.resolve()) }); // prettier-ignore
    });
    chatty.write('stdout', 'x'.repeat(100_000));
    quiet.write('stdout', 'here\n');
    const senders = [start(chatty, receivers[0]!, { turns }), start(quiet, receivers[1]!, { turns })];
    chatty.end();
    quiet.end();
    await Promise.all(senders.map(({ done }) => done));
    expect(order.filter((name) => name === 'chatty')).toHaveLength(100);
    expect(order.indexOf('quiet')).toBeLessThan(3);
  });

  it('that nobody needs any more is let go of', async () => {
    const [source, receiver] = [new GrowingOutput(), new Receiver()];
    const sender = start(source, receiver, { allowance: 0 });
    source.write('stdout', 'abc');
    await sender.end();
    expect(receiver.pieces).toEqual([]);
    expect(source.released).toEqual({ stdout: Infinity, stderr: Infinity });
  });
});
