import { describe, expect, it } from 'vitest';
import { inventoryStream } from '../../../shared/streams.ts';
import { formatVia, inboxPrefix, parseVia, Subjects, toToken, type Via } from '../../../shared/subjects.ts';
import { codeOf } from '../../support/refusal.ts';

describe('a token', () => {
  it.each([
    ['db1', 'db1'],
    ['db1.example.org', 'db1=2Eexample=2Eorg'],
    ['Alice', '=41lice'],
    ['a=b', 'a=3Db'],
    ['*', '=2A'],
    ['>', '=3E'],
    [' ', '=20'],
    ['é', '=C3=A9'],
    ['', '='],
    ['a'.repeat(128), 'a'.repeat(128)],
    ['a'.repeat(129), '=hyewlajfc4vkrzsqobd6or4of4mkfkxgd733dfhxjssr5w5jbm2xa'],
  ])('of %j is %s', (text, token) => {
    expect(toToken(text)).toBe(token);
  });

  it('is never longer than 128 characters', () => {
    expect(toToken('.'.repeat(42))).toHaveLength(126);
    expect(toToken('.'.repeat(43))).toMatch(/^=h[a-z2-7]{52}$/);
  });
});

describe('the subjects of a fleet', () => {
  const subjects = new Subjects('main');

  it('are these', () => {
    expect(subjects.commandAll()).toBe('fleet.main.cmd.all');
    expect(subjects.commandNode('db1.x')).toBe('fleet.main.cmd.node.db1=2Ex');
    expect(subjects.control()).toBe('fleet.main.ctl.*');
    expect(subjects.renewal('node', 'a.b')).toBe('fleet.main.ctl.node-a=2Eb');
    expect(subjects.result('alice', '01k', 'db1')).toBe('fleet.main.res.alice.01k.db1');
    expect(subjects.resultsOf('alice', '01k')).toBe('fleet.main.res.alice.01k.*');
    expect(subjects.record('alice', '01k', 'db1')).toBe('fleet.main.rec.alice.01k.db1');
    expect(subjects.roster('db1')).toBe('fleet.main.roster.db1');
    expect(subjects.inventoryHead('db1')).toBe('fleet.main.inv.db1');
    expect(subjects.inventoryBody('db1')).toBe('fleet.main.inv.db1.facts');
    expect([subjects.rosters(), subjects.inventoryHeads(), subjects.inventoryBodies()]).toEqual([
      'fleet.main.roster.*',
      'fleet.main.inv.*',
      'fleet.main.inv.*.facts',
    ]);
    expect(inboxPrefix('db1.x')).toBe('_INBOX_db1=2Ex');
    expect(inventoryStream('main')).toBe('FLEET_main_INVENTORY');
  });

  it('follow from how a command travels', () => {
    const arrival = (via: Via): string => subjects.command(via, 'db1');
    expect(arrival({ kind: 'all' })).toBe('fleet.main.cmd.all');
    expect(arrival({ kind: 'direct' })).toBe('fleet.main.cmd.node.db1');
    expect(arrival({ kind: 'fact', fact: 'os.family', value: 'Debian' })).toBe(
      'fleet.main.cmd.fact.os=2Efamily.=44ebian',
    );
  });

  it.each(['', 'Main', 'a.b', '-a', '*', 'a b', 'x'.repeat(33)])('are not there for a fleet called %j', (fleet) => {
    expect(codeOf(() => new Subjects(fleet))).toBe('bad-fleet-name');
  });
});

describe('via', () => {
  it.each(['direct', 'all', 'fact:role=db', 'fact:os.family=Debian GNU', 'fact:a==b', 'fact:a=', 'fact:a=x\ny'])(
    'is read as it was written: %j',
    (text) => {
      expect(formatVia(parseVia(text))).toBe(text);
    },
  );

  it.each(['', 'ALL', 'fact', 'fact:', 'fact:=x', 'fact:role', 'direct ', 'node:db1'])('is not %j', (text) => {
    expect(codeOf(() => parseVia(text))).toBe('malformed');
  });
});
