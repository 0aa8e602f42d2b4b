/**
 * What programs write, as people read it while it happens: whole lines, each with the name of its node before it, so that
 * no program can print what looks like another node's. Lines of standard error have another mark.
 */
import { OUTPUT_STREAMS, type OutputStream } from '../../shared/wire/result.ts';
import type { OutputSink } from '../output/output-sink.ts';
import { WholeLines } from '../../shared/whole-lines.ts';
import type { Look } from './look.ts';
import { visibleLine, visibleText } from './visible.ts';

/** A longer name isn't waited for by the others' lines. */
const WIDEST_NAME = 24;
const MARKS: Readonly<Record<OutputStream, string>> = { stdout: '|', stderr: '!' };

export interface LiveLinesOptions {
  readonly look: Pick<Look, 'paint'>;
  /** Nodes that may write. */
  readonly expected: readonly string[];
  /** Resolves when there is room for more. */
  readonly write: (text: string) => void | Promise<void>;
}

export function createLiveLines({ expected, look, write }: LiveLinesOptions): OutputSink {
  const { paint } = look;
  const width = Math.max(0, ...expected.map(({ length }) => length).filter((length) => length <= WIDEST_NAME));
  const places = new Map(expected.map((node, at) => [node, at]));
  const open = new Map<string, Record<OutputStream, WholeLines>>();

  function linesOf(node: string): Record<OutputStream, WholeLines> {
    const known = open.get(node) ?? { stdout: new WholeLines(), stderr: new WholeLines() };
    open.set(node, known);
    return known;
  }

  function say(node: string, stream: OutputStream, lines: readonly string[]): void | Promise<void> {
    if (lines.length === 0) return;
    const name = paint.node(places.get(node) ?? 0)(`${visibleLine(node).padEnd(width)} ${MARKS[stream]}`);
    const colour = stream === 'stderr' ? paint.warn : (text: string) => text;
    return write(lines.map((line) => `${name}${line === '' ? '' : ` ${colour(visibleText(line))}`}\n`).join(''));
  }

  return {
    piece: ({ node, stream, bytes }) => say(node, stream, linesOf(node)[stream].write(bytes)),
    async missing({ node, stream, count }) {
      await say(node, stream, linesOf(node)[stream].end());
      await write(`${paint.bad(`${visibleLine(node).padEnd(width)} … ${count} bytes of ${stream} missing`)}\n`);
    },
    async ended(node) {
      for (const stream of OUTPUT_STREAMS) await say(node, stream, linesOf(node)[stream].end());
      open.delete(node);
    },
  };
}
