/** The step that does it: runs an action within its time, and says meanwhile that it's alive. */
import type { Clock } from '../shared/clock.ts';
import { FleetError } from '../shared/errors.ts';
import { LIMITS } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import type { RunningCommand } from './jobs/running-commands.ts';
import { StillRunning } from './spool/still-running.ts';
import type { ActionContext, ActionOutcome, RunnableAction } from './actions/action.ts';

export interface RunRequest {
  readonly action: RunnableAction;
  readonly input: unknown;
  readonly timeoutMs: number;
  readonly context: Omit<ActionContext, 'signal' | 'log' | 'timeoutMs'>;
  /** Aborts when the agent stops. */
  readonly stop: AbortSignal;
  /** When somebody cancels it. @default nobody can */
  readonly cancel?: Pick<RunningCommand, 'onCancel'> | undefined;
  /** Called when it takes longer than a moment, and then with every heartbeat. */
  readonly onRunning: () => void;
}

export interface RunDependencies {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Ran {
  readonly outcome: ActionOutcome;
  readonly started: number;
  readonly ended: number;
}

/**
 * What the action says, in its outcome and in the log, has none of the command's secrets in it.
 * @throws StillRunning
 */
export async function runAction(request: RunRequest, dependencies: RunDependencies): Promise<Ran> {
  const { secrets } = request.context;
  if (secrets === undefined) return run(request, dependencies);
  const { redactLog, redactOutcome } = await import('./secrets/secrets.ts');
  const log = redactLog(dependencies.log, secrets.redactor);
  const ran = await run(request, { ...dependencies, log });
  return { ...ran, outcome: redactOutcome(ran.outcome, secrets.redactor) };
}

async function run(request: RunRequest, dependencies: RunDependencies): Promise<Ran> {
  const { clock, log } = dependencies;
  const { action, timeoutMs, onRunning } = request;
  // One controller for both reasons: AbortSignal.any() costs more than the rest of the dispatch.
  const end = new AbortController();
  let giveUp: () => void = () => undefined;
  const unstoppable = new Promise<never>((_resolve, reject) => (giveUp = () => reject(DID_NOT_STOP)));
  let patience: NodeJS.Timeout | undefined;
  const abort = (reason: unknown): void => {
    end.abort(reason);
    patience ??= setTimeout(giveUp, LIMITS.stopGraceMs);
  };
  const onStop = (): void => abort(request.stop.reason);
  if (request.stop.aborted) onStop();
  else request.stop.addEventListener('abort', onStop, { once: true });
  const uncancel = request.cancel?.onCancel(() => abort('cancelled'));
  const timer = setTimeout(() => abort('timeout'), timeoutMs);
  let heartbeat: NodeJS.Timeout | undefined;
  const quick = setTimeout(() => {
    onRunning();
    heartbeat = setInterval(onRunning, LIMITS.heartbeatMs);
  }, LIMITS.quickResultMs);
  const started = clock.now();
  try {
    const running = action.run(request.input, new RunningContext(request, log, end));
    const outcome = await Promise.race([running, unstoppable]);
    return { outcome: checkOutput(action, outcome, log), started, ended: clock.now() };
  } catch (error) {
    if (error instanceof StillRunning) throw error;
    const { name } = action.definition;
    if (error === DID_NOT_STOP) log.error({ action: name }, 'an action did not stop when it was told to');
    const outcome = end.signal.aborted
      ? outcomeOfAbort(end.signal.reason, name, error === DID_NOT_STOP)
      : outcomeOfError(error, name, log);
    return { outcome, started, ended: clock.now() };
  } finally {
    clearTimeout(patience);
    request.stop.removeEventListener('abort', onStop);
    uncancel?.();
    clearTimeout(timer);
    clearTimeout(quick);
    clearInterval(heartbeat);
  }
}

/** What ends the wait for an action that goes on although it was told to stop. */
const DID_NOT_STOP = Symbol('did not stop');

/** Makes the signal for who asks for it: many an action is done before anybody could stop it. */
class RunningContext implements ActionContext {
  readonly node: string;
  readonly job: string;
  readonly caller: ActionContext['caller'];
  readonly dryRun: boolean;
  readonly log: Logger;
  readonly secrets: ActionContext['secrets'];
  readonly output: ActionContext['output'];
  readonly timeoutMs: number;
  readonly program: ActionContext['program'];
  readonly #end: AbortController;

  constructor({ context, timeoutMs }: RunRequest, log: Logger, end: AbortController) {
    const { node, job, caller, dryRun, output, program, secrets } = context;
    this.node = node;
    this.job = job;
    this.caller = caller;
    this.dryRun = dryRun;
    this.log = log;
    this.secrets = secrets;
    this.output = output;
    this.timeoutMs = timeoutMs;
    this.program = program;
    this.#end = end;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }
}

function checkOutput(action: RunnableAction, outcome: ActionOutcome, log: Logger): ActionOutcome {
  if (outcome.data === undefined) return outcome;
  const parsed = action.definition.output.safeParse(outcome.data);
  if (parsed.success) return { ...outcome, data: parsed.data };
  log.error(
    { action: action.definition.name, issues: parsed.error.issues },
    'an action gave something else than it promises',
  );
  return {
    state: 'failed',
    code: 'internal',
    reason: `the action ${action.definition.name} gave something else than it promises: a bug`,
  };
}

/** An action may answer an abort by throwing whatever it was doing. */
function outcomeOfAbort(reason: unknown, action: string, goesOn: boolean): ActionOutcome {
  const state = reason === 'timeout' ? 'timeout' : 'cancelled';
  if (goesOn)
    return {
      state,
      code: 'did-not-stop',
      reason: `${action} was told to stop, and goes on: look at the node, and report it as a bug of the action`,
    };
  if (state === 'timeout') return { state, code: state, reason: `${action} was stopped at its time limit` };
  return { state, code: state, reason: `${action} was stopped before it had ended` };
}

function outcomeOfError(error: unknown, action: string, log: Logger): ActionOutcome {
  if (error instanceof FleetError)
    return { state: error.name === 'RefusedError' ? 'refused' : 'failed', code: error.code, reason: error.message };
  log.error({ action, err: error }, 'an action threw');
  return {
    state: 'failed',
    code: 'internal',
    reason: `the action ${action} broke: a bug, its stack is in the agent's log`,
  };
}
