/** docs/protocol.md against the code: what can be compared by a machine is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/limits.ts';
import {
  accountCrossings,
  issuerPermissions,
  joinPermissions,
  nodePermissions,
  operatorPermissions,
  servicePermissions,
  type BusPermissions,
} from '../../../shared/permissions.ts';
import { FINAL_STATES } from '../../../shared/states.ts';
import { MESSAGE_KINDS } from '../../../shared/wire/signed-bytes.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..', '..');
const page = readFileSync(join(CHECKOUT, 'docs', 'protocol.md'), 'utf8');
const blocks = [...page.matchAll(/^```\n([^]*?)^```$/gm)].map(([, block = '']) => block);

/** What stands in backquotes between two headings. */
function quotedIn(from: string, to: string): ReadonlySet<string> {
  const section = page.slice(page.indexOf(from), page.indexOf(to)).replaceAll(/^```[^]*?^```$/gm, '');
  return new Set([...section.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text));
}

/** As the page writes them. */
function lines({ publish, subscribe }: BusPermissions): string {
  return [
    ...publish.map((subject) => `publish    ${subject}\n`),
    ...subscribe.map((subject) => `subscribe  ${subject}\n`),
  ]
    .join('')
    .replaceAll('fleet.main', 'fleet.FLEET')
    .replaceAll('FLEET_main_', 'FLEET_FLEET_');
}

describe('docs/protocol.md', () => {
  it.each([
    ['a node', nodePermissions('main', 'n')],
    ['an operator', operatorPermissions('main', 'c')],
    ['a service', servicePermissions('main', 's')],
    ['an issuer', issuerPermissions('main', 'i')],
    ['who wants to join', joinPermissions('main', 't')],
  ])('has the permissions of %s', (_who, permissions) => {
    expect(blocks).toContain(lines(permissions));
  });

  it('has what crosses between the accounts', () => {
    const crossing = accountCrossings('main', 'NODES').flatMap(({ from, to, type, subjects, arrivesAs }) =>
      subjects.map((subject) => {
        const there = arrivesAs === undefined ? '' : ` as ${arrivesAs(subject)}`;
        return `${`${from} to ${to}`.padEnd(18)}  ${type.padEnd(7)}  ${subject}${there}`;
      }),
    );
    const text = crossing.join('\n').replaceAll('fleet.main', 'fleet.FLEET').replaceAll('FLEET_main_', 'FLEET_FLEET_');
    expect(blocks).toContain(`${text}\n`);
  });

  it('has each limit that it names with its value', () => {
    const section = page.slice(page.indexOf('## 15.'), page.indexOf('## 16.'));
    const named = [...section.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name = '', value]) => [
      name,
      Number(value),
    ]);
    expect(named.length).toBeGreaterThan(15);
    const limits: Record<string, number> = LIMITS;
    expect(named).toEqual(named.map(([name = '']) => [name, limits[name]]));
  });

  it('has a row for each limit that its text names', () => {
    const section = page.slice(page.indexOf('## 15.'), page.indexOf('## 16.'));
    const rows = new Set([...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name));
    const named = [...page.replace(section, '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
    expect([...new Set(named)].filter((name) => name in LIMITS && !rows.has(name))).toEqual([]);
  });

  it('explains every code that messages are dropped, refused or answered with', () => {
    const files = ['agent', 'shared/wire'].flatMap((folder) =>
      readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    );
    const sources = [
      ...files,
      'shared/trust.ts',
      'shared/codec.ts',
      'shared/signing.ts',
      'shared/sealing.ts',
      'controller/receive.ts',
      'controller/directory.ts',
    ];
    const codes = sources
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(/code: '([a-z-]+)'/g)])
      .map(([, code = '']) => code);
    expect(new Set(codes).size).toBeGreaterThan(30);
    // Of starting the agent, and of a schema library: they never travel.
    const localToJoining = ['already-joined', 'answer-untrusted', 'bus-refused', 'bad-value', 'folder-unusable', 'interrupted', 'keys-broken', 'no-service', 'not-approved', 'state-in-the-way', 'usage']; // prettier-ignore
    const local = new Set([
      'custom',
      'settings-invalid',
      'identity-unusable',
      'state-unusable',
      'state-in-use',
      'bad-token',
      ...localToJoining,
    ]);
    const explained = quotedIn('## 14.', '## 15.');
    expect([...new Set(codes)].filter((code) => !local.has(code) && !explained.has(code))).toEqual([]);
  });

  it('has every final state and every kind of message', () => {
    const [states, kinds] = [quotedIn('## 13.', '## 14.'), quotedIn('## 4.', '## 5.')];
    expect(FINAL_STATES.filter((state) => !states.has(state))).toEqual([]);
    expect(MESSAGE_KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});
