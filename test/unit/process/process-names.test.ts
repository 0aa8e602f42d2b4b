import { expect, test } from 'vitest';
import { namesOf } from '../../../agent/process/process-names.ts';

const base = { comm: 'bash', file: '/usr/bin/bash', arguments: ['bash'], kernel: false };

test.each([
  ['its own name', base, 'bash', ['bash']],
  ['a login shell', { ...base, arguments: ['-bash'] }, 'bash', ['bash']],
  ['Node 20', { ...base, comm: 'node', file: '/usr/bin/node', arguments: ['node', 'a.js'] }, 'node', ['node']],
  [
    'Node with a named main thread',
    { ...base, comm: 'MainThread', file: '/usr/bin/node', arguments: ['node', 'a.js'] },
    'node',
    ['MainThread', 'node'],
  ],
  [
    'a program that changed its title',
    { ...base, comm: 'my-app: worker', file: '/usr/bin/node', arguments: ['my-app: worker 3'] },
    'my-app: worker',
    ['my-app: worker', 'node'],
  ],
  [
    'a name the kernel cut',
    { ...base, comm: 'systemd-journal', file: '/usr/lib/systemd/systemd-journald', arguments: [] },
    'systemd-journald',
    ['systemd-journald', 'systemd-journal'],
  ],
  [
    'a script whose name the kernel cut',
    { ...base, comm: 'a-very-long-scr', file: '/usr/bin/dash', arguments: ['/bin/sh', '/opt/a-very-long-script'] },
    'a-very-long-script',
    ['a-very-long-script', 'a-very-long-scr', 'dash'],
  ],
  [
    "another user's process",
    { ...base, comm: 'MainThread', file: undefined, arguments: ['/usr/bin/node', 'a.js'] },
    'node',
    ['MainThread', 'node'],
  ],
  [
    'a kernel thread',
    { comm: 'kworker/0:1', file: undefined, arguments: [], kernel: true },
    'kworker/0:1',
    ['kworker/0:1'],
  ],
])('%s', (_what, sources, name, names) => {
  expect(namesOf(sources)).toEqual({ name, names });
});
