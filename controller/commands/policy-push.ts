/** `fleet policy push`: a policy becomes the fleet's. */
import { EXIT, UsageError } from '../../shared/errors.ts';
import { readIdentity } from '../../shared/identity.ts';
import type { TravellingPolicy } from '../../shared/policy/policy.ts';
import type { App } from '../app.ts';
import { confirm } from '../confirm.ts';
import type { Fleet } from '../fleet.ts';
import { unlessAborted } from '../interrupt.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { awaitPolicy } from '../policy/await-policy.ts';
import { changesBetween } from '../policy/changes.ts';
import { nodeList } from '../policy/node-list.ts';
import { placeOf, readPolicyFile, type PolicyFile } from '../policy/policy-file.ts';
import { assertMayPush } from '../policy/store-policy.ts';
import { nodeCount } from '../render/node-names.ts';
import type { Output } from '../render/output.ts';
import { createTarget } from '../target.ts';
import { describeSize } from './policy-check.ts';
import { createProblemTeller } from './tell-problems.ts';

export interface PushFlags extends GlobalFlags, OutputFlags {
  readonly yes?: boolean;
}

export async function pushPolicy(file: string, flags: PushFlags, app: App): Promise<void> {
  if (flags.yes !== true && (app.stdin.isTTY !== true || file === '-'))
    throw new UsageError('this changes who may do what in the whole fleet, and nobody can be asked', {
      code: 'needs-yes',
      hint: 'Say --yes.',
    });
  const read = await readPolicyFile(file, app);
  const context = await openContext(app, flags);
  assertMayPush(readIdentity(context.identity));
  const output = await openOutput('policy push', flags, app);
  for (const { message, ...at } of read.warnings) output.warning(`${placeOf(file, at)}: ${message}`);
  const fleet = await openFleet(app, context, output);
  try {
    await store(fleet, read, { flags, output, app });
  } finally {
    await fleet.close();
  }
}

async function store(
  fleet: Fleet,
  read: PolicyFile,
  { flags, output, app }: { flags: PushFlags; output: Output; app: App },
): Promise<void> {
  const before = await unlessAborted(fleet.policy(), app.interrupt);
  const target = createTarget({});
  const { expected } = await unlessAborted(fleet.resolve(target), app.interrupt);
  createProblemTeller(fleet, output)();
  tellChanges((before.signed ?? before.past)?.document.policy, read, output);
  const question = `Make this the policy of fleet ${fleet.name}, with ${nodeCount(expected.length)}?`;
  if (flags.yes !== true && !(await confirm(question, app)))
    throw new UsageError('nothing was stored', { code: 'not-confirmed' });
  const stored = await fleet.storePolicy(read, before);
  const results = await awaitPolicy(fleet, target, { signal: app.interrupt });
  const report = nodeList('policy push', results, stored);
  const behind = report.items.filter(({ current }) => current !== true).length;
  // A fleet may have its policy before it has a node.
  const exit = app.interrupt.aborted ? EXIT.interrupted : results.length === 0 ? EXIT.ok : report.exit;
  // Who has it is many, and no news.
  const items = flags.output === undefined || flags.output === 'table' ? withoutCurrent(report.items) : report.items;
  await output.onEnd({ ...report, exit, items });
  output.notice(
    behind === 0
      ? `Stored. ${nodeCount(results.length)} ${results.length === 1 ? 'goes' : 'go'} by it.`
      : `Stored. ${nodeCount(results.length - behind)} of ${results.length} go by it; the others get it before they accept their next command.`,
  );
  app.setExit(exit);
}

const withoutCurrent = <T extends Readonly<Record<string, unknown>>>(items: readonly T[]): T[] =>
  items.filter(({ current }) => current !== true);

function tellChanges(before: TravellingPolicy | undefined, { policy }: PolicyFile, output: Output): void {
  const changes = changesBetween(before, policy);
  if (before === undefined) output.notice(`The first policy of this fleet: ${describeSize(policy)}.`);
  else if (changes.length === 0) output.notice('The rules stay as they are.');
  for (const { role, change, lines } of changes) {
    output.notice(change === 'changed' ? `role ${role}` : `role ${role} is ${change}`);
    for (const line of lines) output.notice(`  ${line}`);
  }
}
