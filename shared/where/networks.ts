/**
 * Networks and the addresses in them, IPv4 and IPv6. An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) counts as IPv4,
 * on both sides.
 */
import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_PREFIX_BITS = 96;
/** Characters of the longest spelling of an address, with room for a zone. */
const LONGEST_ADDRESS = 128;

export interface Network {
  /** As written. */
  readonly source: string;
  readonly address: Address;
  /** Bits that count, from the left of `address`. */
  readonly prefix: number;
}

/** Four bytes or sixteen. */
export type Address = readonly number[];

/** The network that an unquoted value is, `undefined` where it isn't one, or what is wrong with its prefix. */
export function parseNetwork(source: string): Network | { readonly problem: string } | undefined {
  const slash = source.lastIndexOf('/');
  const digits = source.slice(slash + 1);
  if (slash < 0 || !/^\d+$/.test(digits) || source.includes('%')) return undefined;
  const written = bytesOf(source.slice(0, slash));
  if (written === undefined) return undefined;
  const prefix = Number(digits);
  const bits = written.length * 8;
  if (prefix > bits) return { problem: `a prefix of at most ${bits} bits` };
  if (isMapped(written) && prefix >= MAPPED_PREFIX_BITS) {
    return { source, address: written.slice(12), prefix: prefix - MAPPED_PREFIX_BITS };
  }
  return { source, address: written, prefix };
}

/** The address that a text is; a zone (`fe80::1%eth0`) is left out of it. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > LONGEST_ADDRESS) return undefined;
  const bytes = bytesOf(text.replace(/%[^%]+$/, ''));
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes;
}

export function isWithin(network: Network, address: Address): boolean {
  if (network.address.length !== address.length) return false;
  for (let at = 0, left = network.prefix; left > 0; at++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff;
    if (((network.address[at]! ^ address[at]!) & mask) !== 0) return false;
  }
  return true;
}

function bytesOf(text: string): number[] | undefined {
  if (isIPv4(text)) return text.split('.').map(Number);
  if (!isIPv6(text)) return undefined;
  const [head = '', tail] = text.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 16 - left.length - right.length }, () => 0);
  return [...left, ...zeros, ...right];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function isMapped(bytes: Address): boolean {
  return bytes.length === 16 && bytes.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 0xff));
}
