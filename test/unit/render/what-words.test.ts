/** What a job was asked to do, as lists of jobs and the head of one say it. */
import { expect, test } from 'vitest';
import { whatText } from '../../../controller/render/what-words.ts';

test.each([
  ['exec', { argv: ['df', '-h', '/srv/my data'] }, [], "exec df -h '/srv/my data'"],
  ['exec', { argv: ['df -h / | tail -1'], shell: true, env: { A: 'b' } }, ['TOKEN'], 'exec df -h / | tail -1'],
  [
    'run',
    { task: 'deploy', args: { release: '1.2', fast: true } },
    ['token'],
    'run deploy release=1.2 fast=true token=(secret)',
  ],
  ['kill', { name: 'puma', signal: 'TERM', pids: [1] }, [], 'kill name=puma signal=TERM'],
  ['ping', {}, [], 'ping'],
  ['exec', { argv: ['echo', '\u001b[2J'] }, [], "exec echo '\\x1b[2J'"],
])('of %s %j', (command, args, sealed, words) => {
  expect(whatText({ command, args, sealed })).toBe(words);
});

test('is shortened', () => {
  expect(whatText({ command: 'exec', args: { argv: ['x'.repeat(1000)] } })).toMatch(/^exec x{54}…$/);
});
