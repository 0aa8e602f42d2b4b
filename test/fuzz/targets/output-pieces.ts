/**
 * What a node says that its program wrote, of any content and in any order: a list of results. Of each stream the sinks get
 * bytes that some piece had at that very place, in order; what nobody had is counted as missing, and nothing is said twice.
 */
import { OutputIntake } from '../../../controller/output/output-intake.ts';
import type { OutputPart, OutputSink } from '../../../controller/output/output-sink.ts';
import { decode, encode } from '../../../shared/codec.ts';
import { sha256 } from '../../../shared/signing.ts';
import { decodeResult, OUTPUT_STREAMS, type OutputStream, type Result } from '../../../shared/wire/result.ts';
import { bytesFrom } from '../../support/keys.ts';
import { ManualClock, NOW } from '../../support/manual-clock.ts';
import { codeOf } from '../../support/refusal.ts';
import { promise, type FuzzTarget, type RunningTarget } from '../target.ts';

export const outputPieces: FuzzTarget = {
  name: 'output-pieces',
  about:
    'pieces of output in any order, overlapping, forged: every byte is one that was sent for that place, or counted',
  sources: ['controller/output/output-intake.ts', 'controller/output/output-end.ts', 'controller/output/stream-position.ts', 'shared/whole-output.ts', 'shared/wire/result.ts'], // prettier-ignore
  maxBytes: 4 * 1024,
  shape: 'tree',
  dictionary:
    'id job command node seq now kind state data streams output stream offset bytes sha256 dropped stdout stderr truncated result ok failed db1 db2'.split(
      ' ',
    ),
  work: { base: 2_000_000, perByte: 3_000 },
  start: () => Promise.resolve(running()),
};

const MOST = 12;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

function running(): RunningTarget {
  const head = { id: bytesFrom('id', 16), job: 'j', command: bytesFrom('command'), node: 'db1', seq: 0, now: NOW };
  const text = Buffer.from('one\ntwo\nthree\n');
  const piece = (offset: number, bytes: Uint8Array, stream = 'stdout', node = 'db1'): object => ({ ...head, node, kind: 'output', output: { stream, offset, bytes } }); // prettier-ignore
  const digest = { bytes: text.length, sha256: sha256(text) };
  const final = { ...head, kind: 'result', state: 'ok', data: { stdout: '', stderr: '' }, streams: { stdout: digest } };
  const whole = { ...final, data: { stdout: text.toString(), stderr: '' }, streams: { stdout: digest, stderr: { ...digest, dropped: 7 } } }; // prettier-ignore
  const seeds = [
    [piece(0, text.subarray(0, 4)), piece(4, text.subarray(4)), final],
    [piece(4, text.subarray(4)), piece(0, text.subarray(0, 4)), final],
    [piece(0, text.subarray(0, 9)), piece(4, text.subarray(4)), piece(0, text, 'stderr'), whole],
    [piece(0, text), piece(0, text, 'stdout', 'db2'), { ...final, streams: undefined, data: { stdout: 'on', truncated: { stdout: 5 } } }], // prettier-ignore
    [final, piece(2 ** 53 - 8, text), piece(0, text), piece(99, text, 'stderr')],
  ].map((seed) => encode(seed));

  return {
    seeds,
    run: async (input) => {
      let list: unknown;
      if (codeOf(() => (list = decode(input))) !== 'accepted' || !Array.isArray(list)) return 'no results';
      const results: Result[] = [];
      for (const one of (list as unknown[]).slice(0, MOST))
        codeOf(() => results.push(decodeResult(encode(one ?? null))));
      const seen = new Seen();
      const intake = new OutputIntake({ sinks: [seen], clock: new ManualClock(), silenceMs: 0 });
      for (const one of results)
        await (one.kind === 'output' ? intake.take(one) : one.kind === 'result' ? intake.end(one) : undefined);
      await intake.finish();
      const losses = [...intake.losses.values()];
      const nodes = results.flatMap(({ kind, node }) => (kind === 'output' || kind === 'result' ? [node] : []));
      for (const node of new Set(nodes)) {
        for (const stream of OUTPUT_STREAMS)
          assertSent(node, stream, seen.streams.get(`${node}\0${stream}`)?.pieces ?? [], results);
        promise((intake.losses.get(node)?.missing ?? 0) === (seen.missed.get(node) ?? 0), 'missing, and not told');
        promise((seen.ends.get(node) ?? 0) <= 1, 'ended twice');
      }
      for (const { node, kind } of results) if (kind === 'result') promise(seen.ends.has(node), 'never ended');
      return `${Math.min(results.length, 3)} ${seen.streams.size} ${losses.some(({ missing }) => missing > 0)} ${losses.some(({ isAltered }) => isAltered)}`;
    },
  };
}

/** A sink that keeps all, and looks whether it comes in order. */
class Seen implements OutputSink {
  readonly streams = new Map<string, { next: number; readonly pieces: Piece[] }>();
  readonly missed = new Map<string, number>();
  readonly ends = new Map<string, number>();

  piece({ node, stream, offset, bytes }: OutputPart & { readonly bytes: Uint8Array }): void {
    this.#advance({ node, stream, offset }, bytes.length).push({ offset, bytes });
  }

  missing({ node, stream, offset, count }: OutputPart & { readonly count: number }): void {
    this.#advance({ node, stream, offset }, count);
    this.missed.set(node, (this.missed.get(node) ?? 0) + count);
  }

  ended(node: string): void {
    this.ends.set(node, (this.ends.get(node) ?? 0) + 1);
  }

  #advance({ node, stream, offset }: OutputPart, length: number): Piece[] {
    promise(!this.ends.has(node), 'something comes after the end');
    const key = `${node}\0${stream}`;
    const known = this.streams.get(key) ?? { next: 0, pieces: [] };
    promise(offset === known.next && length > 0, 'not where the last one ended');
    known.next = offset + length;
    this.streams.set(key, known);
    return known.pieces;
  }
}

/** Each byte is what a message, or the text of the final, had for that place. */
function assertSent(node: string, stream: OutputStream, pieces: readonly Piece[], results: readonly Result[]): void {
  const said: Piece[] = results.flatMap((one): Piece[] => {
    if (one.node !== node) return [];
    if (one.kind === 'output') return one.output?.stream === stream ? [one.output] : [];
    const text = (one.data as Record<string, unknown> | null | undefined)?.[stream];
    return typeof text === 'string' ? [{ offset: 0, bytes: Buffer.from(text) }] : [];
  });
  for (const { offset, bytes } of pieces) {
    const isSaid = said.some(
      (one) =>
        one.offset <= offset &&
        Buffer.compare(bytes, one.bytes.subarray(offset - one.offset, offset - one.offset + bytes.length)) === 0,
    );
    promise(isSaid, 'bytes that nobody sent for that place');
  }
}
