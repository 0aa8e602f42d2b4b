/** `fleet policy`: who may do what in the whole fleet. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { addOutputOptions } from '../options/run-options.ts';
import { collect } from '../options/target-options.ts';
import type { PushFlags } from './policy-push.ts';
import type { CheckFlags } from './policy-check.ts';
import type { ShowFlags } from './policy-show.ts';
import type { TestFlags } from './policy-test.ts';

export function registerPolicy(program: Command, app: App): void {
  const policy = program.command('policy').description('Who may do what: the policy of the fleet.');
  registerCheck(policy, app);
  registerTest(policy, app);
  registerShow(policy, app);
  registerPush(policy, app);
}

function registerCheck(policy: Command, app: App): void {
  const check = policy
    .command('check')
    .description('Reads a policy, and says what is wrong with it, line by line; no fleet is needed.')
    .argument('<FILE>', 'the policy; - reads standard input');
  addOutputOptions(check)
    .addHelpText('after', '\nExamples:\n  fleet policy check policy.yaml\n  fleet policy check - < policy.yaml -o json')
    .action(async (file: string) => {
      const { checkPolicyFile } = await import('./policy-check.ts');
      await checkPolicyFile(file, check.optsWithGlobals<CheckFlags>(), app);
    });
}

function registerTest(policy: Command, app: App): void {
  const test = policy
    .command('test')
    .description('Says whether somebody may do something, by which rule, and why.')
    .argument('[PARAMETER...]', 'what is given, as key=value')
    .option('--caller <NAME>', 'who; without --role with the roles that this fleet has issued')
    .option('--role <ROLE>', 'with this role; repeatable', collect)
    .option('--action <ACTION>', 'which action')
    .option('--task <TASK>', 'which task')
    .option('--node <NODE>', 'where: its facts, as it published them, and its definition of the task')
    .option('--facts <FILE>', 'where, instead: a JSON document of facts; - reads standard input')
    .option('--at <TIME>', 'when, as 2026-11-24T14:00Z (default: now)')
    .option('--until <DURATION>', 'as if it might wait so long for nodes that are away, or for their turns')
    .option('--approver <ROLE>', 'as if an operator with this role had signed, too; repeatable', collect)
    .option('--file <FILE>', 'by this policy (default: the one of the fleet)');
  addOutputOptions(test)
    .addHelpText(
      'after',
      `
Exits with 0 when it is allowed and with 7 when it is not. A node may have a policy of its own that allows less.

Examples:
  fleet policy test --role deployer --task deploy release=2026.11 --node web1
  fleet policy test --caller alice --action exec --at 2026-11-24T03:00Z --file policy.yaml`,
    )
    .action(async (parameters: string[]) => {
      const { testPolicy } = await import('./policy-test.ts');
      await testPolicy(parameters, test.optsWithGlobals<TestFlags>(), app);
    });
}

function registerShow(policy: Command, app: App): void {
  const show = policy
    .command('show')
    .description('Shows the policy of the fleet: its text, who signed it, and when; or which one nodes go by.')
    .option('--node <NODE>', 'ask these nodes for theirs: names, globs, sets; repeatable', collect);
  addOutputOptions(show)
    .addHelpText('after', '\nExamples:\n  fleet policy show > policy.yaml\n  fleet policy show --node db1')
    .action(async () => {
      const { showPolicy } = await import('./policy-show.ts');
      await showPolicy(show.optsWithGlobals<ShowFlags>(), app);
    });
}

function registerPush(policy: Command, app: App): void {
  const push = policy
    .command('push')
    .description("Signs a policy, makes it the fleet's, and waits until every node has it.")
    .argument('<FILE>', 'the policy; - reads standard input')
    .option('-y, --yes', 'no question');
  addOutputOptions(push)
    .addHelpText(
      'after',
      `
Needs an operator with the role admin. Nodes that are away get it when they come back, before they accept a command.

Examples:
  fleet policy push policy.yaml
  fleet policy push policy.yaml --yes -o json`,
    )
    .action(async (file: string) => {
      const { pushPolicy } = await import('./policy-push.ts');
      await pushPolicy(file, push.optsWithGlobals<PushFlags>(), app);
    });
}
