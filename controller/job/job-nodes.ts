/** The nodes of an earlier job, by how it ended there, as a target: `--from-job JOB --state failed,lost`. */
import { UsageError } from '../../shared/errors.ts';
import { FINAL_STATES } from '../../shared/states.ts';
import type { Fleet } from '../fleet.ts';
import type { TargetSpec } from '../resolve.ts';

export interface FromJob {
  readonly job: string;
  /** `running`, or final states. @default whoever was expected */
  readonly states: ReadonlySet<string> | undefined;
}

const STATES: readonly string[] = ['running', ...FINAL_STATES];

/** @throws UsageError `bad-value`, `bad-target`: before there is a connection */
export function readFromJob(job: string | undefined, text: string | undefined): FromJob | undefined {
  if (job === undefined) {
    if (text === undefined) return undefined;
    throw new UsageError('--state says which nodes of an earlier job, and none is named', {
      code: 'bad-target',
      hint: 'Name it: --from-job JOB; `fleet job list` shows them.',
    });
  }
  const states = text?.split(',').map((state) => state.trim());
  const wrong = states?.find((state) => !STATES.includes(state));
  if (wrong !== undefined)
    throw new UsageError(`--state can't be "${wrong}"`, { code: 'bad-value', hint: `Expected ${STATES.join(', ')}.` });
  return { job, states: states === undefined ? undefined : new Set(states) };
}

/**
 * The target, narrowed to these; nobody where none ended so. Who has been retired since is left out, and told.
 * @throws UsageError `bad-job`, `no-such-job`, `not-your-job`; TransportError
 */
export async function narrowToJob(
  target: TargetSpec,
  { job, states }: FromJob,
  fleet: Fleet,
  { signal, notice }: { signal: AbortSignal; notice: (text: string) => void },
): Promise<TargetSpec> {
  const [{ begun, nodes, planned, running }, { roster }] = await Promise.all([
    fleet.jobs().then((jobs) => jobs.read(job, signal)),
    fleet.roster(),
  ]);
  const ended = nodes.flatMap(({ node, state }) => (states?.has(state) === true ? [node] : []));
  const meant =
    states === undefined ? begun.expected : [...ended, ...(states.has('running') ? [...running, ...planned] : [])];
  const here = meant.filter((name) => roster.get(name)?.state === 'joined');
  if (here.length < meant.length)
    notice(`left out, because they don't belong to the fleet any more: ${meant.filter((name) => !here.includes(name)).join(', ')}`); // prettier-ignore
  return { ...target, nodes: [...target.nodes, here] };
}
