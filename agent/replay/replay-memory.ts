/**
 * Remembers which commands were seen, over restarts, so that none runs twice. The rules are section 3 of
 * docs/protocol.md: known ids answer from memory; forgetting raises a floor; lost memory refuses what it might have seen.
 */
import { mkdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { RefusedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';
import { toHex } from '../../shared/signing.ts';
import { isBurned } from '../jobs/burned.ts';
import { Journal, readJournal, syncFolder, type Final, type JournalEntry, type JournalHeader } from './journal.ts';
import { headerAfter } from './journal-header.ts';
import type { Origin } from './origin.ts';
import { Shares, type Capacities, type Shared } from './shares.ts';

export interface ReplayMemoryOptions extends Capacities {
  readonly stateDir: string;
  /** Changes when the machine boots: what wasn't synced before is gone. */
  readonly bootId: string;
}

/** What the memory knows of a command. */
export type Seen =
  | { readonly kind: 'new' }
  | { readonly kind: 'again'; readonly memory: Remembered }
  | { readonly kind: 'other-bytes' }
  | { readonly kind: 'before-floor' };

export interface Remembered extends JournalEntry, Shared {
  /** Answers to give again, oldest first; empty while there is none. */
  answers: Uint8Array[];
  /** `running` in this process; `ended`; `unknown`: an earlier process recorded it, and not how it ended. */
  status: 'running' | 'ended' | 'unknown';
  /** With what was refused: why, to say it again. */
  reason?: string;
  /** Whether it was written down. */
  recorded: boolean;
}

interface Opened {
  readonly header: JournalHeader;
  readonly entries: Map<string, Remembered>;
  readonly journal: Journal;
  readonly wasRebooted: boolean;
}

export interface CommandKey {
  readonly key: string;
  readonly payload: string;
  readonly issued: number;
  readonly expires: number;
}

/** The key that replays are told by: who signed, and the message id. */
export function replayKey(callerKey: Uint8Array, id: Uint8Array): string {
  return `${toHex(callerKey)}:${toHex(id)}`;
}

/** In place of the hash of a payload that never came. */
const BURNED = '';

/** Marks a state folder in which nothing was ever remembered: made with the identity, removed at the first start. */
export const FRESH_MARKER = 'fresh';
const JOURNAL_FILE = 'replay.journal';
/** The journal is written anew when it holds this many lines more than it has to. */
const COMPACT_SLACK = 10_000;

export class ReplayMemory {
  readonly #path: string;
  readonly #shares: Shares;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries: Map<string, Remembered>;
  /** Who waits until a command has ended. */
  readonly #waiting = new Map<Remembered, (() => void)[]>();
  /** The machine was started anew since the memory was last opened. */
  readonly wasRebooted: boolean;
  #header: JournalHeader;
  #journal: Journal;
  #lines: number;
  #answerBytes = 0;
  #compacting: Promise<void> | undefined;

  private constructor(options: ReplayMemoryOptions, dependencies: { clock: Clock; log: Logger }, opened: Opened) {
    this.#path = join(options.stateDir, JOURNAL_FILE);
    this.#shares = new Shares(options);
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
    this.#header = opened.header;
    this.#entries = opened.entries;
    this.#journal = opened.journal;
    this.#lines = opened.entries.size;
    this.wasRebooted = opened.wasRebooted;
    for (const entry of opened.entries.values()) this.#shares.count(entry, 1);
  }

  /** Opens the memory, or starts one, with the floor that its condition asks for. Throws what the file system throws. */
  static async open(options: ReplayMemoryOptions, dependencies: { clock: Clock; log: Logger }): Promise<ReplayMemory> {
    const { stateDir, bootId } = options;
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const path = join(stateDir, JOURNAL_FILE);
    const marker = join(stateDir, FRESH_MARKER);
    const content = await readJournal(path);
    const now = dependencies.clock.now();
    const header = headerAfter(content, { now, bootId, fresh: existsSync(marker) });
    if (header.floorIssued > now)
      dependencies.log.warn(
        {
          condition: content.kind,
          ...(content.kind === 'damaged' ? { why: content.why } : {}),
          refusedUntil: new Date(header.floorIssued).toISOString(),
        },
        'replay memory was lost: commands issued before now are refused',
      );
    const entries = new Map<string, Remembered>();
    if (content.kind === 'read')
      for (const entry of content.entries) {
        const status = entry.final === undefined ? 'unknown' : 'ended';
        if (isForgettable(entry, now)) header.floorExpires = Math.max(header.floorExpires, entry.expires);
        else {
          const isUnpermitted = entry.final !== undefined && isBurned(entry.final);
          entries.set(entry.key, { ...entry, answers: [], status, recorded: true, isUnpermitted });
        }
      }
    const journal = await Journal.create(path, header, strip(entries.values()));
    await rm(marker, { force: true });
    await syncFolder(stateDir);
    const wasRebooted = content.kind === 'read' && content.header.bootId !== bootId;
    return new ReplayMemory(options, dependencies, { header, entries, journal, wasRebooted });
  }

  /** What is known of a command; doesn't change anything. */
  look(command: CommandKey, effect: 'reads' | 'changes'): Seen {
    const known = this.#entries.get(command.key);
    if (known !== undefined)
      return [command.payload, BURNED].includes(known.payload)
        ? { kind: 'again', memory: known }
        : { kind: 'other-bytes' };
    const { floorExpires, floorIssued, floorIssuedReads } = this.#header;
    const issuedFloor = effect === 'reads' ? Math.max(floorIssued, floorIssuedReads) : floorIssued;
    if (command.expires <= floorExpires || command.issued <= issuedFloor) return { kind: 'before-floor' };
    return { kind: 'new' };
  }

  /**
   * Takes a new command in, before anything is done about it.
   * @param isUnpermitted nobody has to allow it, so that few of them are remembered
   * @throws RefusedError `cannot-record` when the memory, or the caller's share of it, is full.
   */
  claim({ key, expires, payload }: CommandKey, isUnpermitted = false): Remembered {
    this.#makeRoom({ key, isUnpermitted });
    const memory: Remembered = {
      key,
      expires,
      payload,
      answers: [],
      status: 'running',
      recorded: false,
      isUnpermitted,
    };
    this.#shares.count(memory, 1);
    this.#entries.set(key, memory);
    return memory;
  }

  /** What is remembered under a key, whatever its bytes are. */
  find(key: string): Remembered | undefined {
    return this.#entries.get(key);
  }

  /**
   * Sees to it that a command that hasn't come never runs: it's as if it had come, and ended so. Is it known, nothing is
   * done. Burned from the first moment on, durable when it resolves.
   * @param command `payload` empty where only its id is known
   * @param reason to say again, where that is known
   * @returns what is known of it, where it had come
   * @throws RefusedError `cannot-record`
   */
  async burn(
    { key, payload, expires }: Pick<CommandKey, 'key' | 'payload' | 'expires'>,
    final: Final,
    reason?: string,
  ): Promise<Remembered | undefined> {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    this.#makeRoom({ key, isUnpermitted: true });
    const memory: Remembered = {
      key,
      payload,
      expires,
      final,
      answers: [],
      status: 'ended',
      recorded: false,
      isUnpermitted: true,
    };
    this.#shares.count(memory, 1);
    if (reason !== undefined) memory.reason = reason;
    this.#entries.set(key, memory);
    await this.#write(memory, { durable: true });
    return undefined;
  }

  /**
   * Writes a claimed command down. With `durable` it resolves when that would survive a power cut.
   * @throws RefusedError `cannot-record`
   */
  async record(memory: Remembered, options: { durable: boolean }): Promise<void> {
    if (options.durable) memory.changes = true;
    await this.#write(memory, options);
  }

  async #write(memory: Remembered, options: { durable: boolean }): Promise<void> {
    try {
      await this.#compacting;
      await this.#journal.append(entryOf(memory), options);
    } catch (cause) {
      // The journal takes nothing more after a line that it has half of; a new one may, once there is room.
      this.#compact();
      throw new RefusedError(`the node can't write down that it was asked (${errorCode(cause)})`, {
        code: 'cannot-record',
        cause,
      });
    }
    memory.recorded = true;
    this.#lines++;
    if (this.#lines > this.#entries.size + COMPACT_SLACK) this.#compact();
  }

  /**
   * Keeps the answers, to give them again. Where there is no room, the oldest of other commands go, and `final` is what
   * is left of them; `reason` is all that is kept of a refusal. Without a `final`, nothing was answered, and nothing will be.
   */
  end(memory: Remembered, answers: Uint8Array[], final?: Final, reason?: string): void {
    memory.status = 'ended';
    this.#tellEnded(memory);
    if (reason !== undefined) memory.reason = reason;
    memory.answers = answers;
    if (final !== undefined) memory.final = final;
    if (memory.recorded) void this.record(memory, { durable: false }).catch(() => undefined);
    this.#answerBytes += bytesOf(answers);
    for (const other of this.#entries.values()) {
      if (this.#answerBytes <= LIMITS.storedAnswersBytes) return;
      if (other === memory) continue;
      this.#answerBytes -= bytesOf(other.answers);
      other.answers = [];
    }
  }

  /** Resolves when it doesn't run any more, or this process leaves it to the next one. */
  async whenEnded(memory: Remembered): Promise<void> {
    if (memory.status !== 'running' || this.#entries.get(memory.key) !== memory) return;
    await new Promise<void>((resolve) => this.#waiting.set(memory, [...(this.#waiting.get(memory) ?? []), resolve]));
  }

  /** This process ends before they do: who waits for an end waits no longer. */
  leaveRunning(): void {
    for (const memory of this.#waiting.keys()) this.#tellEnded(memory);
  }

  #tellEnded(memory: Remembered): void {
    for (const resolve of this.#waiting.get(memory) ?? []) resolve();
    this.#waiting.delete(memory);
  }

  /** An answer that this memory's process gave before it ended, and that lay elsewhere: it's that, and no other. */
  recall(key: string, answers: Uint8Array[], final: Final | undefined): void {
    const memory = this.#entries.get(key);
    if (memory === undefined || memory.status === 'running' || memory.answers.length > 0) return;
    this.end(memory, answers, final);
  }

  /** What earlier processes have begun, and not answered as far as this memory knows. */
  unfinished(): (Remembered & { readonly origin: Origin })[] {
    return [...this.#entries.values()].filter(
      (entry): entry is Remembered & { readonly origin: Origin } =>
        entry.status === 'unknown' && entry.origin !== undefined,
    );
  }

  /** This process answers it. */
  resume(memory: Remembered): void {
    memory.status = 'running';
  }

  /** Resolves when what was recorded so far is in the file. */
  async written(): Promise<void> {
    await this.#compacting;
    await this.#journal.written();
  }

  /** Forgets what was claimed, before it was written down, as if it had never come. */
  release(memory: Remembered): void {
    if (memory.recorded || this.#entries.get(memory.key) !== memory) return;
    this.#entries.delete(memory.key);
    this.#shares.count(memory, -1);
    this.#tellEnded(memory);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The bus knows of later times than this memory does: it was rolled back, or copied from another machine. */
  async distrust(why: string): Promise<void> {
    const floorIssued = this.#clock.now() + LIMITS.clockSkewMs;
    this.#log.warn(
      { why, refusedUntil: new Date(floorIssued).toISOString() },
      'replay memory is not trusted: commands issued before now are refused',
    );
    this.#header = { ...this.#header, floorIssued };
    // One that is under way may have been written with the floor of before.
    await this.#compacting;
    this.#compact();
    await this.#compacting;
  }

  async close(): Promise<void> {
    await this.#compacting;
    await this.#journal.close();
  }

  /** @throws RefusedError `cannot-record` */
  #makeRoom(wanted: Shared): void {
    // What has ended long ago goes first; how changes ended, only where that is not enough.
    for (const isPressed of [false, true])
      if (this.#shares.whatIsFull(wanted) !== undefined && this.#forgetExpired(isPressed)) this.#compact();
    const full = this.#shares.whatIsFull(wanted);
    if (full !== undefined)
      throw new RefusedError(
        `the node remembers as many commands ${full} as it can: send fewer, or wait a few minutes`,
        {
          code: 'cannot-record',
        },
      );
  }

  #forgetExpired(isPressed: boolean): boolean {
    const now = this.#clock.now();
    const { size } = this.#entries;
    for (const [key, entry] of this.#entries) {
      if (!isForgettable(entry, now, isPressed) || entry.status === 'running') continue;
      this.#entries.delete(key);
      this.#shares.count(entry, -1);
      this.#answerBytes -= bytesOf(entry.answers);
      this.#header.floorExpires = Math.max(this.#header.floorExpires, entry.expires);
    }
    return this.#entries.size < size;
  }

  #compact(): void {
    this.#compacting ??= this.#rewrite().finally(() => {
      this.#compacting = undefined;
    });
  }

  async #rewrite(): Promise<void> {
    const old = this.#journal;
    this.#forgetExpired(false);
    try {
      this.#journal = await Journal.create(this.#path, this.#header, strip(this.#entries.values()));
      this.#lines = this.#entries.size;
      await old.close();
    } catch (error) {
      this.#log.error({ error: errorCode(error) }, 'replay memory could not be written anew');
    }
  }
}

const entryOf = ({ key, expires, payload, final, changes, origin }: JournalEntry): JournalEntry => ({
  key,
  expires,
  payload,
  ...(final === undefined ? {} : { final }),
  ...(changes === undefined ? {} : { changes }),
  ...(final !== undefined || origin === undefined ? {} : { origin }),
});

/** Whether it can't come again, and nobody asks for how it ended. @param isPressed there is no room: nobody may ask */
function isForgettable({ changes, expires, final, origin }: JournalEntry, now: number, isPressed = false): boolean {
  // Whoever sent it waits for how it ended.
  if (final === undefined && origin !== undefined) return false;
  const keepMs = changes === true && !isPressed ? LIMITS.finalsKeepMs : LIMITS.clockSkewMs;
  return expires + keepMs <= now;
}

function* strip(entries: Iterable<JournalEntry>): Iterable<JournalEntry> {
  for (const entry of entries) yield entryOf(entry);
}

const bytesOf = (answers: readonly Uint8Array[]): number => answers.reduce((sum, { length }) => sum + length, 0);

const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? 'error';
