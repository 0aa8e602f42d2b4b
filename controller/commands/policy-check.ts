/** `fleet policy check`: what is wrong with a policy. */
import { EXIT } from '../../shared/errors.ts';
import type { Policy } from '../../shared/policy/policy.ts';
import { readPolicy } from '../../shared/policy/read-policy.ts';
import type { App } from '../app.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { placeOf, readPolicyText } from '../policy/policy-file.ts';
import type { ListReport } from '../report.ts';

export type CheckFlags = OutputFlags;

export async function checkPolicyFile(file: string, flags: CheckFlags, app: App): Promise<void> {
  const output = await openOutput('policy check', flags, app);
  const read = await readPolicy(await readPolicyText(file, app));
  const found =
    read.policy === undefined
      ? read.problems.map((problem) => ({ ...problem, severity: 'error' }))
      : read.warnings.map((problem) => ({ ...problem, severity: 'warning' }));
  const report: ListReport = {
    version: 1,
    command: 'policy check',
    exit: read.policy === undefined ? EXIT.usage : EXIT.ok,
    list: 'problems',
    one: 'problem',
    items: found.map(({ line, column, severity, message }) => ({ line, column, severity, message })),
    fields: ['line', 'column', 'severity', 'message'],
    table: [
      {
        title: '',
        text: ({ line, column }) => placeOf(file, { line: Number(line), column: Number(column) }),
      },
      {
        title: '',
        text: ({ severity }) => String(severity),
        tone: ({ severity }) => (severity === 'error' ? 'bad' : 'warn'),
      },
      { title: '', text: ({ message }) => String(message) },
    ],
  };
  await output.onEnd(report);
  if (read.policy !== undefined) output.notice(`${placeOf(file, undefined)} is a policy: ${describeSize(read.policy)}`);
  app.setExit(report.exit);
}

/** `4 roles, 9 rules` */
export function describeSize({ roles }: Pick<Policy, 'roles'>): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const rules = Object.values(roles).reduce((sum, { allow = [], deny = [] }) => sum + allow.length + deny.length, 0);
  return `${count(Object.keys(roles).length, 'role')}, ${count(rules, 'rule')}`;
}
