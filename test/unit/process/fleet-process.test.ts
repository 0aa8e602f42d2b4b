import { expect, test } from 'vitest';
import { identifyFleetProcess } from '../../../agent/process/fleet-process.ts';

const NODE = new Set(['node', 'nodejs']);

test.each([
  [['node', '/opt/fleet/dist/bin/fleet-agent.js'], '/usr/bin/node', 'a fleet agent'],
  [
    ['node', '/opt/fleet/dist/bin/fleet-runner.js', '/var/lib/fleet'],
    '/usr/bin/node',
    "a fleet agent's runner of programs",
  ],
  [['node', 'fleet-agent'], '/usr/bin/node', 'a fleet agent'],
  [['node', '/x/node_modules/.bin/fleet', 'kill', 'node'], '/usr/bin/node', 'a fleet command line'],
  [['node', '--enable-source-maps', 'fleet.js'], '/usr/bin/node', 'a fleet command line'],
  [['node', '-r', 'fleet-agent', 'server.js'], '/usr/bin/node', undefined],
  [['node', '--import', 'hook.js', 'fleet.js'], '/usr/bin/node', 'a fleet command line'],
  [['node', 'server.js', 'fleet.js'], '/usr/bin/node', undefined],
  [['node', 'my-fleet.js'], '/usr/bin/node', undefined],
  [['node'], '/usr/bin/node', undefined],
  [['/usr/bin/vi', 'fleet.js'], '/usr/bin/vi', undefined],
  [['node', 'fleet.js'], '/tmp/evil', undefined],
  [['/usr/bin/node', 'fleet.js'], undefined, 'a fleet command line'],
])('%j running %s is %s', (args, file, expected) => {
  expect(identifyFleetProcess(file, args, NODE)).toBe(expected);
});
