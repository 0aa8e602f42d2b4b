/** `fleet job retry`: the same once more, where it was not done: a new job that knows the attempts before it. */
import { UsageError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { unlessAborted } from '../interrupt.ts';
import type { Attempts } from '../job/attempts.ts';
import { NOT_DONE } from '../job/not-done.ts';
import type { JobView } from '../job/job-view.ts';
import { openContext, openFleet } from '../open-fleet.ts';
import { parseAssignment } from '../options/parse-values.ts';
import { readSecrets } from '../options/read-secret.ts';
import { countStates } from '../../shared/states.ts';
import { ADDRESSED_COMMANDS } from '../report.ts';
import { runAddressed, type AddressedFlags } from './addressed.ts';

export async function retryJob(id: string, texts: readonly string[], flags: AddressedFlags, app: App): Promise<void> {
  const { view, attempts } = await readTried(id, flags, app);
  const { action, args, command, dryRun, effect, sealed = [], timeoutMs, where } = view.begun;
  const given = readGiven(texts, sealed);
  const known = ADDRESSED_COMMANDS.find((one) => one === command);
  await runAddressed(
    {
      command: known ?? 'exec',
      effect,
      writes: action === 'exec' || action === 'task.run',
      nobody: nothingLeft(view),
      instruct: async ({ warn }) => {
        const secrets = given.size === 0 ? undefined : await readSecrets(given, { app, warn });
        return { action, args, effect, secrets, retryOf: attempts };
      },
    },
    {
      ...flags,
      ...(where === undefined ? {} : { where: [where] }),
      ...(timeoutMs === undefined || flags.timeout !== undefined ? {} : { timeout: `${timeoutMs}ms` }),
      ...(dryRun === true ? { dryRun } : {}),
      fromJob: id,
      state: flags.state ?? NOT_DONE.join(','),
      record: true,
    },
    app,
  );
}

/** Why nobody is sent it: what its nodes have come to, and which of that is tried again. */
function nothingLeft({ begun: { job }, nodes, running, waiting, unmatched }: JobView): string {
  const counts = [
    ...Object.entries(countStates(nodes.map(({ state }) => state))),
    ['still running', running.length],
    ['waiting to come back', waiting.length],
    ['unmatched', unmatched.length],
  ].flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  const said = `Of job ${job} nothing that was meant is left to try again: ${counts.join(', ')}.`;
  return `${said} Tried again are ${NOT_DONE.join(', ')}; --state says what else, or less: --state cancelled,refused`;
}

async function readTried(id: string, flags: AddressedFlags, app: App): Promise<{ view: JobView; attempts: Attempts }> {
  const context = await openContext(app, flags);
  const fleet = await openFleet(app, context);
  try {
    const jobs = await unlessAborted(fleet.jobs(), app.interrupt);
    const view = await unlessAborted(jobs.read(id, app.interrupt), app.interrupt);
    return { view, attempts: await unlessAborted(jobs.attempts(view, app.interrupt), app.interrupt) };
  } finally {
    await fleet.close();
  }
}

/** Nobody kept what went sealed: each has to be given again, or is asked for. @throws UsageError `bad-argument` */
function readGiven(texts: readonly string[], sealed: readonly string[]): Map<string, string | undefined> {
  const given = new Map<string, string | undefined>(sealed.map((name) => [name, undefined]));
  for (const text of texts) {
    const [name, source] = text.includes('=') ? parseAssignment(text, 'a secret') : [text, undefined];
    if (!given.has(name))
      throw new UsageError(`${name} was not secret in that job`, {
        code: 'bad-argument',
        hint:
          sealed.length === 0
            ? 'All its arguments are in its record, and used again as they are.'
            : `Give again what was: ${sealed.join(', ')}.`,
      });
    given.set(name, source);
  }
  return given;
}
