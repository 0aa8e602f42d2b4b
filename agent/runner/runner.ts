/**
 * Looks after the programs of one agent, in a process of its own: they go on when the agent is stopped, upgraded or
 * killed, and the next agent hears how they ended. Lives as long as an agent is connected or a program runs.
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/limits.ts';
import { VERSION } from '../../shared/version.ts';
import { becomeFast } from '../heap.ts';
import type { Users } from '../process/users.ts';
import type { Ended } from '../spool/run-record.ts';
import { LineSocket } from './line-socket.ts';
import { FromRunner, RUNNER_PROTOCOL, ToRunner, type Start } from './messages.ts';
import { ProgramRun } from './program-run.ts';
import type { SpoolRoom } from './spool-room.ts';

export interface RunnerOptions {
  /** In it, each run has a folder. */
  readonly spoolFolder: string;
  readonly socket: string;
}

export interface RunnerDependencies {
  readonly clock: Clock;
  readonly users: Users;
  readonly room: SpoolRoom;
  /** Called when nothing is left to do. */
  readonly onIdle: () => void;
}

interface Held {
  readonly program: ProgramRun;
  /** There is output of which no agent has been told. */
  telling: NodeJS.Timeout | undefined;
  /** Until it has been written down. */
  end: Ended | undefined;
  /** Nobody waits for its end. */
  isForgotten: boolean;
}

type Agent = LineSocket<ToRunner, FromRunner>;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #deps: RunnerDependencies;
  readonly #held = new Map<string, Held>();
  readonly #server: Server;
  #agent: Agent | undefined;
  #connections = 0;
  #maxAgeMs = LIMITS.spoolAgeMs;
  #sweep: NodeJS.Timeout | undefined;
  #isLeaving = false;

  constructor(options: RunnerOptions, dependencies: RunnerDependencies) {
    this.#options = options;
    this.#deps = dependencies;
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** Expects to be the only one. Resolves when agents can connect. */
  async start(): Promise<void> {
    // One that was killed has left its own.
    rmSync(this.#options.socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const umask = process.umask(0o177);
      this.#server.listen(this.#options.socket, resolve);
      process.umask(umask);
    });
    this.#sweep = setInterval(() => this.#expire(), LIMITS.spoolSweepMs).unref();
    // Who started it is expected soon.
    setTimeout(() => this.#endIfIdle(), LIMITS.runnerStartMs).unref();
  }

  /** Ends as soon as nothing runs: programs aren't left alone. */
  leave(): void {
    this.#isLeaving = true;
    this.#endIfIdle();
  }

  #onConnection(socket: Socket): void {
    this.#connections++;
    const agent: Agent = new LineSocket(socket, ToRunner, (message) => this.#take(message, agent));
    socket.once('close', () => {
      this.#connections--;
      if (this.#agent === agent) this.#agent = undefined;
      this.#endIfIdle();
    });
  }

  #take(message: ToRunner, agent: Agent): void {
    switch (message.type) {
      case 'hello':
        return this.#welcome(message, agent);
      case 'start':
        return void this.#start(message);
      case 'end':
        return this.#held.get(message.run)?.program.end(message.why);
      case 'release':
        return this.#held.get(message.run)?.program.release(message.stream, message.offset);
      case 'forget':
        return this.#forget(message.run);
    }
  }

  #forget(run: string): void {
    const held = this.#held.get(run);
    // It goes on: it was told to end, and doesn't.
    if (held !== undefined && held.end === undefined) return void (held.isForgotten = true);
    this.#held.delete(run);
    this.#deps.room.remove(run);
  }

  #welcome({ maxAgeMs, maxBytes }: Extract<ToRunner, { type: 'hello' }>, agent: Agent): void {
    // There is one agent a state folder: an older connection is of one that is gone.
    this.#agent?.destroy();
    this.#agent = agent;
    this.#maxAgeMs = maxAgeMs;
    this.#deps.room.setLimit(maxBytes);
    const runs = [...this.#held].map(([run, { program }]) => ({ run, streams: program.streams }));
    agent.send({ type: 'hello', protocol: RUNNER_PROTOCOL, pid: process.pid, version: VERSION, runs });
    for (const [run, { end, program }] of this.#held)
      if (end !== undefined) agent.send({ type: 'ended', run, streams: program.streams, end, isKept: false });
  }

  async #start(start: Start): Promise<void> {
    const { clock, room, users } = this.#deps;
    const { run } = start;
    // It came again: it runs already, or did.
    if (this.#held.has(run)) return;
    if (start.secrets.length > 0) becomeFast();
    const program = new ProgramRun(start, {
      folder: this.#options.spoolFolder,
      room,
      clock,
      users,
      onOutput: () => this.#tellSoon(run),
    });
    const held: Held = { program, telling: undefined, end: undefined, isForgotten: false };
    this.#held.set(run, held);
    const end = await program.run();
    clearTimeout(held.telling);
    const isKept = await this.#keep(program, end);
    held.end = end;
    if (held.isForgotten) this.#forget(run);
    else if (isKept) this.#held.delete(run);
    else void this.#keepLater(run, held, end);
    this.#agent?.send({ type: 'ended', run, streams: program.streams, end, isKept });
    this.#endIfIdle();
  }

  async #keep(program: ProgramRun, end: Ended): Promise<boolean> {
    try {
      await program.keepEnd(end);
      return true;
    } catch {
      return false;
    }
  }

  /** A full disk may have room again. Until then this process has the only copy. */
  async #keepLater(run: string, held: Held, end: Ended): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve, LIMITS.spoolRetryMs));
      if (this.#held.get(run) !== held) return this.#endIfIdle();
    } while (!(await this.#keep(held.program, end)));
    if (this.#held.get(run) === held) this.#held.delete(run);
    this.#endIfIdle();
  }

  /** The first at once; what follows together. */
  #tellSoon(run: string): void {
    const held = this.#held.get(run);
    if (held === undefined || held.telling !== undefined) return;
    held.telling = setTimeout(() => {
      held.telling = undefined;
      if (this.#agent?.isBehind === true) this.#tellSoon(run);
      else this.#agent?.send({ type: 'output', run, streams: held.program.streams });
    }, LIMITS.runnerOutputMs);
  }

  #expire(): void {
    const before = this.#deps.clock.now() - this.#maxAgeMs;
    for (const { program } of this.#held.values()) program.expire(before);
  }

  #endIfIdle(): void {
    if (this.#held.size > 0 || (this.#connections > 0 && !this.#isLeaving)) return;
    clearInterval(this.#sweep);
    this.#server.close();
    this.#agent?.end();
    this.#deps.onIdle();
  }
}
