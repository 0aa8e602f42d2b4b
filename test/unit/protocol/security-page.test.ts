/** docs/security.md against the tests that it cites: a row whose proof is gone, or was renamed, proves nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const CHECKOUT = resolve(import.meta.dirname, '..', '..', '..');
const page = readFileSync(join(CHECKOUT, 'docs', 'security.md'), 'utf8');

interface Row {
  readonly attempt: string;
  readonly proofs: readonly { readonly file: string; readonly name: string }[];
}

/** Rows of the tables whose last column is "proven by". */
const rows: readonly Row[] = page
  .split('\n## ')
  .filter((section) => /^\| tries to +\|/m.test(section))
  .flatMap((section) =>
    section
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (tries to +\||-)/.test(line))
      .map((line): Row => {
        const cells = line.split(' | ');
        const proofs = (cells.at(-1) ?? '').replace(/ *\|$/, '').split('<br>');
        return {
          attempt: (cells[0] ?? '').slice(2),
          proofs: proofs.map((proof) => {
            const [, file = '', name = proof] = /^\s*\[[\w-]+\]\(\.\.\/(test\/[\w./-]+)\): (.+?)\s*$/.exec(proof) ?? [];
            return { file, name };
          }),
        };
      }),
  );

const PLACES = [
  'In charge of the bus', 'On the network', 'Root on a node', "With a stolen operator's laptop", 'With a stolen token',
  "With the issuer's machine", 'With the machine of a controller service', 'With a root key that was let go', 'Who writes tasks, or fills them in',
  "Another fleet's owner", 'An operator who wants more', 'Who sends rubbish',
]; // prettier-ignore

describe('docs/security.md', () => {
  it('has a table for an attacker in each place, and says what is not defended', () => {
    const sections = page.split('\n## ').filter((section) => /^\| tries to +\|/m.test(section));
    expect(sections.map((section) => section.split('\n')[0])).toEqual(PLACES);
    expect(page).toContain("\n## What isn't defended\n");
    expect(rows.length).toBeGreaterThan(50);
  });

  it.each(rows)('proves by tests that there are: $attempt', ({ proofs }) => {
    expect(proofs.length).toBeGreaterThan(0);
    for (const { file, name } of proofs) {
      const path = join(CHECKOUT, file);
      expect({ name, isFile: file !== '' && existsSync(path) }).toEqual({ name, isFile: true });
      const source = readFileSync(path, 'utf8');
      const quoted = [`'${name}'`, `"${name}"`, `\`${name}\``].some(
        (text) => source.includes(`(${text}`) || source.includes(`\n    ${text}`),
      );
      expect({ file, name, isTest: quoted }).toEqual({ file, name, isTest: true });
    }
  });

  it('links to places that there are', () => {
    for (const [, file = '', anchor] of page.matchAll(/\]\(((?!http)[^)#]*)(?:#([^)]+))?\)/g)) {
      const target = file === '' ? join(CHECKOUT, 'docs', 'security.md') : join(CHECKOUT, 'docs', file);
      expect({ file, isThere: existsSync(target) }).toEqual({ file, isThere: true });
      if (anchor === undefined) continue;
      const anchors = [...readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      );
      expect({ file, anchor, isThere: anchors.includes(anchor) }).toEqual({ file, anchor, isThere: true });
    }
  });
});
