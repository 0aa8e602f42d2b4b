/**
 * MessagePack, as the protocol allows it: nil, booleans, numbers, text, bytes, arrays, and maps with text keys. No
 * extensions. The only import of msgpackr. Bytes are checked in one linear pass before anything is built from them, so
 * that a hostile message costs no more memory than its own size.
 */
import { Packr, type Options } from 'msgpackr';
import { ProtocolError } from './errors.ts';
import { LIMITS } from './limits.ts';

/** `skipValues` is missing from the package's types. */
const options: Options & { skipValues: unknown[] } = {
  useRecords: false,
  variableMapSize: true,
  copyBuffers: true,
  int64AsType: 'number',
  // Data may have a key of that name.
  useToJSON: false,
  skipValues: [undefined],
};
const packr = new Packr(options);
const viewing = new Packr({ ...options, copyBuffers: false });

/**
 * Encodes plain data; `undefined` properties are left out. Returns bytes that the caller owns.
 * @throws ProtocolError `malformed` when nobody could decode it: dates, sets, too deep, too many values.
 */
export function encode(value: unknown): Uint8Array {
  const bytes = Uint8Array.prototype.slice.call(packr.pack(value));
  checkPlain(bytes);
  return bytes;
}

/**
 * Decodes exactly one value.
 * @throws ProtocolError `malformed` when the bytes are not the allowed subset, too deep, too many, or have a rest.
 */
export function decode(bytes: Uint8Array, maxBytes: number = LIMITS.envelopeBytes): unknown {
  return unpack(packr, bytes, maxBytes);
}

/**
 * The same, but byte strings in it are views of `bytes`: for what is looked at and let go of. Whoever keeps one keeps the
 * whole message, and copies it instead. A copy of its own for each costs as much as all the rest of a small message.
 */
export function decodeViews(bytes: Uint8Array, maxBytes: number = LIMITS.envelopeBytes): unknown {
  return unpack(viewing, bytes, maxBytes);
}

function unpack(unpackr: Packr, bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.length > maxBytes) throw malformed(`${bytes.length} bytes, ${maxBytes} are allowed`);
  checkPlain(bytes);
  try {
    return unpackr.unpack(bytes);
  } catch (cause) {
    throw new ProtocolError('not MessagePack', { code: 'malformed', cause });
  }
}

/** Thrown when there are more values than a reader takes: the writer may have less to say. */
export class TooManyValuesError extends ProtocolError {
  constructor() {
    super(`malformed message: more than ${LIMITS.decodeItems} values`, { code: 'malformed' });
  }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`malformed message: ${what}`, { code: 'malformed' });
}

/** Walks the structure without building it: lengths, nesting, number of values, kinds of keys. */
function checkPlain(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values still to come at each level; for a map twice its size, keys at the odd counts from the end. */
  const remaining: number[] = [1];
  const inMap: boolean[] = [false];
  let at = 0;
  let items = 0;

  const need = (count: number): void => {
    if (at + count > bytes.length) throw malformed('truncated');
  };
  const skip = (sizeBytes: 1 | 2 | 4): void => {
    const length = readLength(sizeBytes);
    need(length);
    at += length;
  };
  const readLength = (sizeBytes: 1 | 2 | 4): number => {
    need(sizeBytes);
    const length = sizeBytes === 1 ? view.getUint8(at) : sizeBytes === 2 ? view.getUint16(at) : view.getUint32(at);
    at += sizeBytes;
    return length;
  };
  const enter = (count: number, map: boolean): void => {
    if (count === 0) return;
    if (remaining.length > LIMITS.decodeDepth) throw malformed('nested too deep');
    // Every value takes a byte at least, so a count beyond what is left is a lie.
    if (count > bytes.length - at) throw malformed('truncated');
    remaining.push(count);
    inMap.push(map);
  };

  while (remaining.length > 0) {
    const level = remaining.length - 1;
    const left = remaining[level] ?? 0;
    if (left === 0) {
      remaining.pop();
      inMap.pop();
      continue;
    }
    remaining[level] = left - 1;
    if (++items > LIMITS.decodeItems) throw new TooManyValuesError();
    need(1);
    const byte = bytes[at++] ?? 0;
    const isKey = inMap[level] === true && left % 2 === 0;
    const isText = (byte >= 0xa0 && byte <= 0xbf) || byte === 0xd9 || byte === 0xda || byte === 0xdb;
    if (isKey && !isText) throw malformed('a map key that is not text');

    if (byte <= 0x7f || byte >= 0xe0) continue;
    if (byte <= 0x8f) enter((byte & 0x0f) * 2, true);
    else if (byte <= 0x9f) enter(byte & 0x0f, false);
    else if (byte <= 0xbf) {
      need(byte & 0x1f);
      at += byte & 0x1f;
    } else {
      switch (byte) {
        case 0xc0: // nil
        case 0xc2: // false
        case 0xc3: // true
          break;
        case 0xc4: // bytes
        case 0xd9: // text
          skip(1);
          break;
        case 0xc5:
        case 0xda:
          skip(2);
          break;
        case 0xc6:
        case 0xdb:
          skip(4);
          break;
        case 0xcc: // 8 bit
        case 0xd0:
          need(1);
          at += 1;
          break;
        case 0xcd: // 16 bit
        case 0xd1:
          need(2);
          at += 2;
          break;
        case 0xca: // 32 bit
        case 0xce:
        case 0xd2:
          need(4);
          at += 4;
          break;
        case 0xcb: // 64 bit
        case 0xcf:
        case 0xd3:
          need(8);
          at += 8;
          break;
        case 0xdc:
          enter(readLength(2), false);
          break;
        case 0xdd:
          enter(readLength(4), false);
          break;
        case 0xde:
          enter(readLength(2) * 2, true);
          break;
        case 0xdf:
          enter(readLength(4) * 2, true);
          break;
        default:
          throw malformed(`type 0x${byte.toString(16)} is not part of the protocol`);
      }
    }
  }
  if (at !== bytes.length) throw malformed('bytes after the end');
}
