/** Which source file each character of a bundle comes from, by the comments that esbuild puts in front of each module. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Script } from './coverage.ts';

const MODULE = /^\/\/ (\S+\.m?[jt]s)$/gm;
const PRODUCT = /^(shared|agent|controller)\//;

/** Nothing for what doesn't lie in the folder. */
export function readBundleScript(url: string, folder: string): Script | undefined {
  if (!url.startsWith('file:')) return undefined;
  const path = fileURLToPath(url);
  if (!path.startsWith(`${folder}/`)) return undefined;
  const text = readFileSync(path, 'utf8');
  const begins = Array.from(text.matchAll(MODULE), (match) => ({ offset: match.index, source: match[1] ?? '' }));
  const owners: (string | undefined)[] = [];
  const numbers = new Uint16Array(text.length);
  for (const [index, { offset, source }] of begins.entries()) {
    owners.push(PRODUCT.test(source) ? source : undefined);
    numbers.fill(index, offset);
  }
  return { text, sourceAt: (offset) => (owners.length === 0 ? undefined : owners[numbers[offset] ?? 0]) };
}
