/** What programs write, for programs: an object a piece, to the byte; as text where it's text, in base64 where it isn't. */
import type { OutputStream } from '../../shared/wire/result.ts';
import type { OutputPart, OutputSink } from '../output/output-sink.ts';
import { TextPieces, type TextPiece } from '../output/text-pieces.ts';
import { jsonText } from './json.ts';

interface Open {
  readonly pieces: TextPieces;
  /** Behind the last byte that came. */
  next: number;
}

/** @param write resolves when there is room for more */
export function createOutputObjects(write: (text: string) => void | Promise<void>): OutputSink {
  const open = new Map<string, Map<OutputStream, Open>>();

  function openOf(node: string, stream: OutputStream): Open {
    const streams = open.get(node) ?? new Map<OutputStream, Open>();
    const known = streams.get(stream) ?? { pieces: new TextPieces(), next: 0 };
    open.set(node, streams.set(stream, known));
    return known;
  }

  function say(node: string, stream: OutputStream, piece: TextPiece | undefined): void | Promise<void> {
    if (piece === undefined) return;
    const { offset, text, bytes } = piece;
    const what = text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text };
    return write(`${jsonText({ type: 'output', node, stream, offset, ...what })}\n`);
  }

  const flush = (node: string, stream: OutputStream): void | Promise<void> => {
    const { pieces, next } = openOf(node, stream);
    return say(node, stream, pieces.end(next));
  };

  return {
    piece({ node, stream, offset, bytes }: OutputPart & { readonly bytes: Uint8Array }) {
      const known = openOf(node, stream);
      known.next = offset + bytes.length;
      return say(node, stream, known.pieces.write(offset, bytes));
    },
    async missing({ node, stream, offset, count }) {
      await flush(node, stream);
      openOf(node, stream).next = offset + count;
      await write(`${jsonText({ type: 'output', node, stream, offset, missing: count })}\n`);
    },
    async ended(node) {
      for (const stream of open.get(node)?.keys() ?? []) await flush(node, stream);
      open.delete(node);
    },
  };
}
