/**
 * Changes to what MessagePack means, not to its bytes: another field, another type, a value moved elsewhere. Goes into
 * byte strings that are MessagePack themselves, so that a credential within an envelope is changed in its body.
 */
import { decode, encode } from '../../shared/codec.ts';
import { FleetError } from '../../shared/errors.ts';
import { mutateBytes, type MutationMaterial } from './mutate-bytes.ts';

/** How deep byte strings are opened: envelope, credential, its issuer, body. */
const OPENED_DEPTH = 5;

const ODD_VALUES: readonly unknown[] = [
  null, true, false, 0, 1, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1e308, NaN, Infinity, '', '*', '\u0000', '../x', 'db1',
  'x'.repeat(300), [], {}, [[]], { '': 0 }, new Uint8Array(), new Uint8Array(16), new Uint8Array(32), new Uint8Array(64),
]; // prettier-ignore

/** Nothing where the input isn't MessagePack, or what came out can't be written. */
export function mutateTree(input: Uint8Array, material: MutationMaterial): Uint8Array | undefined {
  const { random, other, maxBytes } = material;
  const tree = tryDecode(input);
  if (tree === undefined) return undefined;
  const donors = valuesOf(tryDecode(other)?.value, 0);
  let { value } = tree;
  do value = new TreeChange(valuesOf(value, 0).length, donors, material).apply(value);
  while (random.oneIn(2));
  const bytes = tryEncode(value);
  return bytes === undefined || bytes.length > maxBytes ? undefined : bytes;
}

/** One change at one place. */
class TreeChange {
  readonly #donors: readonly unknown[];
  readonly #material: MutationMaterial;
  /** Values still to pass by. */
  #left: number;

  constructor(size: number, donors: readonly unknown[], material: MutationMaterial) {
    this.#donors = donors;
    this.#material = material;
    this.#left = material.random.below(size);
  }

  apply(value: unknown, depth = 0): unknown {
    if (this.#left-- === 0) return this.#change(value);
    if (this.#left < 0) return value;
    if (value instanceof Uint8Array) {
      const opened = depth < OPENED_DEPTH ? tryDecode(value) : undefined;
      if (opened === undefined || !isContainer(opened.value)) return value;
      const before = this.#left;
      const changed = this.apply(opened.value, depth + 1);
      // Written again only where the change was within: other bytes would be another message.
      return before >= 0 && this.#left < 0 ? (tryEncode(changed) ?? value) : value;
    }
    if (Array.isArray(value)) return value.map((item) => this.apply(item, depth));
    if (!isContainer(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.apply(item, depth)]));
  }

  #change(value: unknown): unknown {
    const { random } = this.#material;
    if (isContainer(value) && !random.oneIn(4)) return this.#changeContainer(value);
    if (value instanceof Uint8Array && random.oneIn(2)) return new Uint8Array(mutateBytes(value, this.#material));
    if (typeof value === 'string' && random.oneIn(2))
      return Buffer.from(mutateBytes(Buffer.from(value), this.#material)).toString();
    if (typeof value === 'number' && random.oneIn(2))
      return random.pick([value + 1, value - 1, -value, value * 2, value / 2, value + 60_000, value - 60_001]);
    if (random.oneIn(6)) return random.oneIn(2) ? [value] : { [this.#word()]: value };
    return random.oneIn(2) ? this.#donor() : random.pick(ODD_VALUES);
  }

  #changeContainer(value: object): unknown {
    const { random } = this.#material;
    if (Array.isArray(value)) {
      const at = random.below(value.length);
      if (random.oneIn(3)) return value.toSpliced(at, 1);
      const times = random.oneIn(4) ? random.below(40) : 1;
      const added: unknown[] = Array.from({ length: times }, () => (random.oneIn(2) ? value[at] : this.#donor()));
      return value.toSpliced(at, 0, ...added);
    }
    const entries = Object.entries(value);
    const at = random.below(entries.length);
    const [key, item] = entries[at] ?? ['', null];
    if (random.oneIn(3)) return Object.fromEntries(entries.toSpliced(at, 1));
    if (random.oneIn(2))
      return Object.fromEntries([...entries, [this.#word(), random.oneIn(2) ? item : this.#donor()]]);
    return Object.fromEntries(entries.toSpliced(at, 1, random.oneIn(2) ? [this.#word(), item] : [key, this.#donor()]));
  }

  #donor(): unknown {
    return this.#donors.length === 0 ? null : this.#material.random.pick(this.#donors);
  }

  #word(): string {
    const { random, dictionary } = this.#material;
    return dictionary.length === 0 ? 'x' : random.pick(dictionary);
  }
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/** The value and all within it, in the order in which a change passes by. */
function valuesOf(value: unknown, depth: number): unknown[] {
  if (value instanceof Uint8Array) {
    const opened = depth < OPENED_DEPTH ? tryDecode(value) : undefined;
    return opened !== undefined && isContainer(opened.value) ? [value, ...valuesOf(opened.value, depth + 1)] : [value];
  }
  if (!isContainer(value)) return [value];
  return [value, ...Object.values(value).flatMap((item: unknown) => valuesOf(item, depth))];
}

function tryDecode(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: decode(bytes) };
  } catch (error) {
    if (error instanceof FleetError) return undefined;
    throw error;
  }
}

function tryEncode(value: unknown): Uint8Array | undefined {
  try {
    return encode(value);
  } catch (error) {
    // Too deep or too much; msgpackr itself runs out of stack in front of the deepest.
    if (error instanceof FleetError || error instanceof RangeError) return undefined;
    throw error;
  }
}
