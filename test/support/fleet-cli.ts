/**
 * Runs the built command line as a person does, with homes of its own: nothing of the machine's user, and nothing of
 * another test, is found or touched. Every call is a process; what it wrote and how it ended comes back.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startChild, type Child } from './child-process.ts';

const CHECKOUT = resolve(import.meta.dirname, '..', '..');

/** The product's programs, as the build makes them. */
export const FLEET_PROGRAM = join(CHECKOUT, 'dist', 'bin', 'fleet.js');
export const AGENT_PROGRAM = join(CHECKOUT, 'dist', 'bin', 'fleet-agent.js');

export interface CliResult {
  /** Null when a signal ended it. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly stdin?: string;
  /** As in ChildOptions. */
  readonly holdsStdin?: boolean;
  readonly cwd?: string;
  /** Over the environment that every call has. */
  readonly env?: Record<string, string>;
}

export class FleetCli {
  /** Where homes and whatever a test writes go. */
  readonly folder: string;
  readonly stateHome: string;
  readonly configHome: string;

  /** What every call is run by: `nsenter` with its options, for one. */
  readonly #prefix: readonly string[];

  /** @param folder exists already, and is removed by whoever made it */
  constructor(folder: string, prefix: readonly string[] = []) {
    this.folder = folder;
    this.#prefix = prefix;
    this.stateHome = join(folder, 'state');
    this.configHome = join(folder, 'config');
    mkdirSync(join(folder, 'home'), { recursive: true });
  }

  /** The whole environment of every call. */
  get env(): Record<string, string> {
    const { PATH = '', FLEET_NATS_SERVER: natsServer } = process.env;
    return {
      PATH,
      HOME: join(this.folder, 'home'),
      XDG_STATE_HOME: this.stateHome,
      XDG_CONFIG_HOME: this.configHome,
      ...(natsServer === undefined ? {} : { FLEET_NATS_SERVER: natsServer }),
    };
  }

  run(...args: readonly string[]): Promise<CliResult> {
    return this.runWith({}, ...args);
  }

  async runWith(options: CliOptions, ...args: readonly string[]): Promise<CliResult> {
    const child = await this.start(args, options);
    const { code } = await child.ended;
    return { exit: code, stdout: child.stdout(), stderr: child.stderr() };
  }

  /** With `-o json`; the document, whatever the exit code. @throws Error with all output when there is none */
  async json<Document>(...args: readonly string[]): Promise<Document> {
    const result = await this.run(...beforeProgram(args, ['-o', 'json']));
    try {
      return JSON.parse(result.stdout) as Document;
    } catch (cause) {
      throw new Error(`fleet ${args.join(' ')} wrote no JSON: ${JSON.stringify(result)}`, { cause });
    }
  }

  /** For what is to be signalled, or looked at while it runs. */
  start(args: readonly string[], options: CliOptions = {}): Promise<Child> {
    return this.startProgram([process.execPath, FLEET_PROGRAM, ...args], options);
  }

  /** Any other program, where and with what the command line would be started. */
  startProgram(words: readonly string[], options: CliOptions = {}): Promise<Child> {
    const [program = '', ...rest] = [...this.#prefix, ...words];
    return startChild(program, rest, {
      cwd: options.cwd ?? this.folder,
      env: { ...this.env, ...options.env },
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
      ...(options.holdsStdin === undefined ? {} : { holdsStdin: options.holdsStdin }),
    });
  }
}

/** What follows `--` is the nodes' program, not ours. */
function beforeProgram(args: readonly string[], options: readonly string[]): string[] {
  const at = args.indexOf('--');
  return at < 0 ? [...args, ...options] : [...args.slice(0, at), ...options, ...args.slice(at)];
}
