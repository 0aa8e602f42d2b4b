import { describe, expect, it } from 'vitest';
import { matchesLive, misaddressed, WhereCache } from '../../../agent/addressed.ts';
import type { Command } from '../../../shared/wire/command.ts';
import { FleetMaterial } from '../../support/fleet-material.ts';
import { codeOf } from '../../support/refusal.ts';

const fleet = new FleetMaterial();

describe('a command is for this node', () => {
  const direct = 'fleet.main.cmd.node.db1';
  const all = 'fleet.main.cmd.all';
  const rows: readonly [string, Partial<Command>, string, string | undefined][] = [
    ['direct, to its name', {}, direct, undefined],
    ['direct, among others', { target: { nodes: ['db0', 'db1'] } }, direct, undefined],
    ["direct, on another's subject", {}, 'fleet.main.cmd.node.db2', 'misrouted'],
    ['direct, sent to all', {}, all, 'misrouted'],
    ['direct, in a fleet of another name', {}, 'fleet.other.cmd.node.db1', 'misrouted'],
    ['direct, on the subject of a fact', {}, 'fleet.main.cmd.fact.role.db', 'misrouted'],
    ['direct, to others', { target: { nodes: ['db2'] } }, direct, 'not-named'],
    ['direct, to a name that begins like its own', { target: { nodes: ['db10'] } }, direct, 'not-named'],
    ['direct, to nobody by name: any node could be given the copy', { target: {} }, direct, 'not-named'],
    ['to all', { via: 'all', target: {} }, all, undefined],
    ['to all, naming it', { via: 'all' }, all, undefined],
    ['to all, naming others', { via: 'all', target: { nodes: ['db2'] } }, all, 'not-named'],
    ['to all, sent direct', { via: 'all', target: {} }, direct, 'misrouted'],
    ['by a fact', { via: 'fact:role=db', target: {} }, 'fleet.main.cmd.fact.role.db', undefined],
    ['by a fact, on the subject of another value', { via: 'fact:role=db', target: {} }, 'fleet.main.cmd.fact.role.web', 'misrouted'],
    ['by a fact, sent to all', { via: 'fact:role=db', target: {} }, all, 'misrouted'],
  ]; // prettier-ignore

  it.each(rows)('or not: %s', (_what, changes, subject, expected) => {
    expect(misaddressed(fleet.command('to', changes), subject, 'db1', fleet.subjects)).toBe(expected);
  });

  it('and one that travels in no way there is, is none', () => {
    const command = fleet.command('to', { via: 'pigeon' });
    expect(codeOf(() => misaddressed(command, direct, 'db1', fleet.subjects))).toBe('malformed');
  });
});

describe('live facts', () => {
  it('decide, and a fact called name never stands for the name of the node', async () => {
    const cache = new WhereCache();
    const facts = { live: () => Promise.resolve({ role: 'db', name: 'web1' }) };
    const holds = (text: string): Promise<boolean> => matchesLive(cache.parse(text), 'db1', facts);
    expect(await Promise.all(['role=db', 'role=web', 'name=db1', 'name=web1'].map(holds))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

describe('expressions seen before', () => {
  it('are read once, and a stream of new ones takes no more room', () => {
    const cache = new WhereCache();
    const first = cache.parse('role=db');
    expect(cache.parse('role=db')).toBe(first);
    for (let at = 0; at < 64; at++) cache.parse(`role=r${at}`);
    expect(cache.parse('role=db')).not.toBe(first);
  });

  it('that cannot be read are refused, not dropped: a signature has proved who asks', () => {
    expect(codeOf(() => new WhereCache().parse('role='))).toBe('invalid-input');
  });
});
