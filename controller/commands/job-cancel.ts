/** `fleet job cancel`: ends a job on its nodes, and says what became of it on each. */
import { EXIT } from '../../shared/errors.ts';
import { countStates } from '../../shared/states.ts';
import type { App } from '../app.ts';
import { openContext, openFleet, type GlobalFlags } from '../open-fleet.ts';
import { openOutput, readTiming, type OutputFlags, type RunFlags } from '../options/run-options.ts';
import { nodeCount } from '../render/node-names.ts';
import { openOf } from '../render/open-words.ts';
import { fateOf } from '../render/tables/cancel.ts';
import type { Report } from '../report.ts';
import { exitOfRun } from '../run-exit.ts';
import { createProblemTeller } from './tell-problems.ts';

export interface JobCancelFlags extends GlobalFlags, OutputFlags, Pick<RunFlags, 'ackTimeout'> {
  readonly node?: string[];
}

export async function cancelJobTo(id: string, flags: JobCancelFlags, app: App): Promise<void> {
  const context = await openContext(app, flags);
  const { ackTimeoutMs } = readTiming(flags, context);
  const output = await openOutput('job cancel', flags, app);
  const fleet = await openFleet(app, context, output);
  const tellProblems = createProblemTeller(fleet, output);
  try {
    const { begun, notSent, run } = await fleet.cancel(id, {
      nodes: flags.node,
      ackTimeoutMs,
      onNode: (result) => output.onNode(result),
      onProgress: (progress) => output.onProgress(progress),
      signal: app.interrupt,
    });
    const { abandoned, lostBus, ms, nodes, open } = run;
    const isNothing = nodes.length + open.length === 0;
    const report: Report = {
      version: 1,
      command: 'job cancel',
      job: begun.job,
      fleet: fleet.name,
      target: flags.node === undefined ? {} : { node: flags.node },
      expected: nodes.length + open.length,
      states: countStates(nodes.map(({ state }) => state)),
      unmatched: 0,
      // Nothing was sent anywhere: then nothing of it runs.
      exit: isNothing && lostBus === undefined ? EXIT.ok : exitOfRun(run),
      ms: Math.round(ms),
      nodes,
      ...openOf(open),
    };
    await output.onEnd(report);
    app.setExit(report.exit);
    const over = nodes.filter((result) => result.state === 'ok' && fateOf(result).was === 'ended').length;
    if (over > 0)
      output.notice(
        over === nodes.length
          ? `It had ended on ${over === 1 ? 'that node' : `all ${over} nodes`}; nothing was cancelled.`
          : `It had ended on ${nodeCount(over)}; nothing was cancelled there.`,
      );
    if (notSent.length > 0) output.notice(`${nodeCount(notSent.length)} had not been sent anything, and will not be.`);
    if (abandoned.length > 0)
      output.warning(`Not waited for any more: ${nodeCount(abandoned.length)}. See what became of it: fleet job show ${id}`); // prettier-ignore
    if (lostBus !== undefined) output.warning(`The bus was lost: ${lostBus}. Say it again when it is back.`);
  } finally {
    output.stop();
    await fleet.close();
    tellProblems();
  }
}
