/**
 * The agent's end of the connection to its runner: made when there is something to say, with a runner that is started
 * where none runs, and let go of when there has been nothing to do for a while.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { LineSocket } from '../runner/line-socket.ts';
import { FromRunner, RUNNER_PROTOCOL, RUNNER_SOCKET, type ToRunner } from '../runner/messages.ts';

export type RunnerHello = Extract<FromRunner, { type: 'hello' }>;

export interface RunnerLinkEvents {
  readonly onMessage: (message: Exclude<FromRunner, RunnerHello>) => void;
  /** The connection is over: the runner has gone, or this end let go of it. */
  readonly onClose: () => void;
}

export interface RunnerLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface RunnerLink {
  readonly hello: RunnerHello;
  send(message: ToRunner): void;
  close(): void;
}

/**
 * Undefined when no runner is there.
 * @throws RefusedError `no-runner` when there is one of another kind
 */
export async function connectRunner(
  stateDir: string,
  limits: RunnerLimits,
  events: RunnerLinkEvents,
): Promise<RunnerLink | undefined> {
  const socket = await openSocket(stateDir);
  if (socket === undefined) return undefined;
  return new Promise((resolve, reject) => {
    let hello: RunnerHello | undefined;
    const late = setTimeout(() => {
      reject(noAnswer());
      lines.destroy();
    }, LIMITS.runnerStartMs);
    const lines = new LineSocket<FromRunner, ToRunner>(socket, FromRunner, (message) => {
      if (message.type !== 'hello') return events.onMessage(message);
      hello = message;
      clearTimeout(late);
      if (message.protocol !== RUNNER_PROTOCOL) {
        reject(otherKind(message));
        return lines.destroy();
      }
      resolve({ hello, send: (one) => lines.send(one), close: () => lines.end() });
    });
    socket.once('close', () => {
      clearTimeout(late);
      // One that was about to end when it was asked.
      if (hello === undefined) resolve(undefined);
      else if (hello.protocol === RUNNER_PROTOCOL) events.onClose();
    });
    // It keeps no agent from ending.
    socket.unref();
    lines.send({ type: 'hello', protocol: RUNNER_PROTOCOL, ...limits });
  });
}

function noAnswer(): RefusedError {
  return new RefusedError('the runner of programs on this node does not answer', {
    code: 'no-runner',
    hint: 'look whether the process fleet-runner.js is stopped there',
  });
}

function otherKind({ pid, version }: RunnerHello): RefusedError {
  return new RefusedError(
    `a runner of another version (${version}, process ${pid}) still looks after programs on this node`,
    { code: 'no-runner', hint: 'it ends with the last of them; then this agent starts one of its own' },
  );
}

/** By way of the folder's descriptor: the path of a socket may have 108 bytes, that of a state folder more. */
async function openSocket(stateDir: string): Promise<Socket | undefined> {
  let folder: number;
  try {
    folder = openSync(stateDir, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
  try {
    return await new Promise<Socket | undefined>((resolve) => {
      const socket = connect(`/proc/self/fd/${folder}/${RUNNER_SOCKET}`);
      socket.once('connect', () => resolve(socket));
      socket.once('error', () => resolve(undefined));
    });
  } finally {
    closeSync(folder);
  }
}
