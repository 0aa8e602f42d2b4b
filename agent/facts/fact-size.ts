/** How many bytes facts take in msgpack, counted without encoding them. */
import { isFactMap, type FactValue } from './fact-value.ts';

export function factBytes(value: FactValue): number {
  if (value === null || typeof value === 'boolean') return 1;
  if (typeof value === 'number') return numberBytes(value);
  if (typeof value === 'string') return textBytes(value);
  if (!isFactMap(value)) return value.reduce<number>((sum, item) => sum + factBytes(item), header(value.length));
  const pairs = Object.entries(value);
  return pairs.reduce((sum, [key, item]) => sum + textBytes(key) + factBytes(item), header(pairs.length));
}

function numberBytes(value: number): number {
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) return 9;
  if (value >= -32 && value < 128) return 1;
  if (value >= -128 && value < 256) return 2;
  return value >= -(2 ** 15) && value < 2 ** 16 ? 3 : 5;
}

function textBytes(value: string): number {
  const bytes = Buffer.byteLength(value);
  if (bytes < 32) return bytes + 1;
  if (bytes < 256) return bytes + 2;
  return bytes + (bytes < 65_536 ? 3 : 5);
}

function header(items: number): number {
  if (items < 16) return 1;
  return items < 65_536 ? 3 : 5;
}
