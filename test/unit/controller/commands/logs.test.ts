/** What `fleet logs` says where it has nothing to show. */
import { expect, test } from 'vitest';
import { emptyWords } from '../../../../controller/commands/logs.ts';
import { okNode, program, silentNode } from '../../render/reports.ts';

const nodes = [okNode('db1', program(0, '')), okNode('db2', program(0, '')), okNode('web1', program(0, 'a line\n')), silentNode('x')]; // prettier-ignore

test.each([
  [undefined, 'No line on db[1-2].'],
  ['/var/log/syslog', 'No line on db[1-2].'],
  ['nginx', 'No line on db[1-2]. Is there a unit nginx? fleet exec -- systemctl status nginx'],
  ['app.log', 'No line on db[1-2]. app.log was taken for a unit: a file is named by its absolute path.'],
])('of %s', (what, words) => {
  expect(emptyWords(nodes, what)).toBe(words);
});

test('nothing where every node had a line', () => {
  expect(emptyWords(nodes.slice(2), undefined)).toBeUndefined();
});
