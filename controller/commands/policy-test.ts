/** `fleet policy test`: may somebody do something, and which rule says so? */
import { EXIT, UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { nearestNames } from '../../shared/names/nearest.ts';
import type { Circumstances } from '../../shared/policy/circumstances.ts';
import { compilePolicy, type CompiledPolicy } from '../../shared/policy/compile.ts';
import type { PolicyRequest } from '../../shared/policy/decide.ts';
import { explainPolicy } from '../../shared/policy/explain.ts';
import type { TravellingPolicy } from '../../shared/policy/policy.ts';
import { describeRefusal, nameInWords, nameWhat } from '../../shared/policy/words.ts';
import type { Facts } from '../../shared/where/find.ts';
import type { TaskSummary } from '../../shared/wire/inventory.ts';
import type { App } from '../app.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { parseAssignment, parseDuration } from '../options/parse-values.ts';
import { openOutput, type OutputFlags } from '../options/run-options.ts';
import { findCaller, type TestedCaller } from '../policy/find-caller.ts';
import { readPolicyFile } from '../policy/policy-file.ts';
import { approversWith, assertRolesKnown, readActionArgs, readTaskArgs, readTime } from '../policy/test-case.ts';
import { testReport } from '../policy/test-report.ts';
import { createTarget } from '../target.ts';
import { readFactsFile } from './match.ts';

export interface TestFlags extends GlobalFlags, OutputFlags {
  readonly caller?: string;
  readonly role?: string[];
  readonly action?: string;
  readonly task?: string;
  readonly node?: string;
  readonly facts?: string;
  readonly at?: string;
  readonly until?: string;
  readonly approver?: string[];
  readonly file?: string;
}

/** Where it is tried: what there is to know of the node. */
interface Place {
  readonly policy: TravellingPolicy;
  readonly compiled: CompiledPolicy;
  readonly facts: Facts | undefined;
  /** The node's definition of the task. */
  readonly task: TaskSummary | undefined;
}

export async function testPolicy(parameters: readonly string[], flags: TestFlags, app: App): Promise<void> {
  const asked = readAsked(flags);
  const given = Object.fromEntries(parameters.map((text) => parseAssignment(text, 'a parameter')));
  const now = readTime(flags.at, app.clock.now());
  const output = await openOutput('policy test', flags, app);
  const place = await findPlace(flags, app);
  const caller = await findCaller(flags, app);
  assertRolesKnown(caller.roles, place.policy);
  const args = flags.task === undefined ? readActionArgs(asked.action, given) : await readTaskArgs(given, place.task);
  const request: PolicyRequest = { ...asked, roles: caller.roles };
  const circumstances: Circumstances = {
    args,
    facts: place.facts,
    caller: documentOf(caller),
    now,
    issued: now,
    lifeMs: flags.until === undefined ? undefined : parseDuration(flags.until, '--until', { ms: LIMITS.waitingCommandLifeMs, text: '7d' }), // prettier-ignore
    approvers: approversWith(flags.approver ?? []),
  };
  const explanation = explainPolicy(place.compiled, request, circumstances);
  const { decision } = explanation;
  if (!decision.allowed && decision.why === 'cannot-tell' && place.facts === undefined)
    throw new UsageError(`the rule ${decision.rule} asks for facts of the node`, {
      code: 'needs-facts',
      hint: 'Say where: --node NODE, or --facts FILE.',
    });
  const words = decision.allowed
    ? `${caller.name} may run ${nameWhat(asked)}: ${nameInWords(decision.rule)} allows it`
    : describeRefusal({ caller: caller.name, ...request }, { ...decision, source: 'fleet' });
  const exit = decision.allowed ? EXIT.ok : EXIT.allRefused;
  await output.onEnd(testReport(explanation, { words, exit }));
  app.setExit(exit);
}

/** @throws UsageError `needs-what` */
function readAsked({ action, task }: TestFlags): { action: string; task: string | undefined } {
  if ((action === undefined) === (task === undefined))
    throw new UsageError('what is to be tried: an action or a task?', {
      code: 'needs-what',
      hint: 'Say either --action ACTION or --task TASK.',
    });
  return { action: action ?? 'task.run', task };
}

function documentOf({ name, kind, roles, serial, issuer }: TestedCaller): Facts {
  return {
    name,
    kind,
    roles,
    ...(serial === undefined ? {} : { serial }),
    ...(issuer === undefined ? {} : { issuer }),
  };
}

async function findPlace(flags: TestFlags, app: App): Promise<Place> {
  const file = flags.file === undefined ? undefined : await readPolicyFile(flags.file, app);
  const facts = flags.facts === undefined ? undefined : await readFactsFile(flags.facts, app);
  if (file !== undefined && flags.node === undefined) return { ...file, facts, task: undefined };
  const fleet = await openFleet(app, await openContext(app, flags));
  try {
    const policy = file?.policy ?? (await fleet.policy()).signed?.document.policy;
    if (policy === undefined)
      throw new UsageError(`fleet ${fleet.name} has no policy that holds`, {
        code: 'no-policy',
        hint: 'Store one with `fleet policy push`, or try one in a file: --file FILE.',
      });
    const compiled = file?.compiled ?? compilePolicy(policy);
    if (flags.node === undefined) return { policy, compiled, facts, task: undefined };
    const inventory = await fleet.inventory();
    const { expected } = await fleet.resolve(createTarget({ node: flags.node }), inventory);
    const [node, ...others] = expected;
    if (node === undefined || others.length > 0)
      throw new UsageError(`--node has to be one node, not ${expected.length}`, { code: 'bad-target' });
    const known = inventory.get(node.name);
    return {
      policy,
      compiled,
      facts: facts ?? { ...known?.facts, trusted: node.trusted, name: node.name },
      task: taskOf(flags.task, known?.tasks ?? [], node.name),
    };
  } finally {
    await fleet.close();
  }
}

/** @throws UsageError `no-such-task` */
function taskOf(name: string | undefined, tasks: readonly TaskSummary[], node: string): TaskSummary | undefined {
  if (name === undefined) return undefined;
  const task = tasks.find((one) => one.name === name);
  if (task !== undefined) return task;
  const [nearest] = nearestNames(
    name,
    tasks.map((one) => one.name),
    1,
  );
  throw new UsageError(`${node} has no task ${name}`, {
    code: 'no-such-task',
    hint: nearest === undefined ? '`fleet task list` lists the tasks.' : `Did you mean ${nearest}?`,
  });
}
