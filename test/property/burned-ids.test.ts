/** Whatever is claimed, burned, ended, forgotten and read again: what was burned never counts as new. */
import fc from 'fast-check';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FRESH_MARKER, ReplayMemory, type CommandKey } from '../../agent/replay/replay-memory.ts';
import { FleetError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLog } from '../support/recording-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const BURNED = { kind: 'result', state: 'cancelled', code: 'cancelled-before-start' } as const;
const CAPACITY = 6;

type Step =
  | { readonly do: 'claim' | 'burn' | 'burn-id' | 'end'; readonly id: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('claim', 'burn', 'burn-id', 'end'), id: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(2 * LIMITS.commandLifeMs) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

/** What became of an id, by the model. */
interface Known {
  readonly command: CommandKey;
  readonly by: 'claim' | 'burn';
}

class Run {
  readonly #folder = join(temporaryFolder(), 'state');
  readonly #clock = new ManualClock();
  readonly #commands = new Map<number, CommandKey>();
  readonly #known = new Map<string, Known>();
  readonly #broken: string[] = [];
  #memory: ReplayMemory | undefined;

  constructor() {
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, FRESH_MARKER), '');
  }

  async open(): Promise<ReplayMemory> {
    await this.#memory?.close();
    this.#memory = await ReplayMemory.open(
      { stateDir: this.#folder, bootId: 'boot', capacity: CAPACITY },
      { clock: this.#clock, log: recordingLog() },
    );
    return this.#memory;
  }

  async close(): Promise<void> {
    await this.#memory?.close();
  }

  /** Signed when it's first spoken of. */
  #command(id: number): CommandKey {
    const now = this.#clock.now();
    const known = this.#commands.get(id);
    if (known !== undefined) return known;
    const command = { key: `caller:${id}`, payload: `bytes ${id}`, issued: now, expires: now + LIMITS.commandLifeMs };
    this.#commands.set(id, command);
    return command;
  }

  async take(memory: ReplayMemory, next: Step): Promise<ReplayMemory> {
    if (next.do === 'wait') this.#clock.advance(next.ms);
    else if (next.do === 'restart') return this.open();
    else await this.#about(memory, next.do, this.#command(next.id)).catch(onlyFull);
    return memory;
  }

  async #about(memory: ReplayMemory, what: 'claim' | 'burn' | 'burn-id' | 'end', command: CommandKey): Promise<void> {
    const seen = memory.look(command, 'changes');
    if (what === 'end') {
      if (seen.kind === 'again' && seen.memory.status === 'running')
        memory.end(seen.memory, [], { kind: 'result', state: 'ok' });
    } else if (what === 'claim') {
      if (seen.kind !== 'new') return;
      // The very thing: what was burned is never claimed.
      if (this.#known.get(command.key)?.by === 'burn') this.#broken.push('burned, and claimed');
      const claimed = memory.claim(command);
      this.#known.set(command.key, { command, by: 'claim' });
      await memory.record(claimed, { durable: true });
    } else {
      const known = await memory.burn({ ...command, payload: what === 'burn' ? command.payload : '' }, BURNED);
      if (known === undefined && !this.#known.has(command.key)) this.#known.set(command.key, { command, by: 'burn' });
    }
  }

  /** What does not hold, in words. */
  broken(memory: ReplayMemory): readonly string[] {
    if (memory.size > CAPACITY) this.#broken.push('beyond its capacity');
    for (const { command, by } of this.#known.values()) {
      const seen = memory.look(command, 'changes');
      if (seen.kind === 'new') this.#broken.push(`${by}, and new`);
      if (by === 'burn' && seen.kind === 'again' && seen.memory.final?.code !== BURNED.code)
        this.#broken.push('burned, and has another end');
      // While it could start, it's known itself, and not only as something of that time.
      if (command.expires > this.#clock.now() && seen.kind !== 'again') this.#broken.push(`${by}, and forgotten`);
    }
    return this.#broken;
  }
}

function onlyFull(error: unknown): void {
  if (!(error instanceof FleetError && error.code === 'cannot-record')) throw error;
}

describe('ids that are burned', () => {
  it('never count as new: over floors, a full memory, and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const run = new Run();
        let memory = await run.open();
        try {
          for (const next of steps) {
            memory = await run.take(memory, next);
            expect(run.broken(memory)).toEqual([]);
          }
        } finally {
          await run.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are known whatever the bytes are, where only the id was known; other bytes are another command otherwise', async () => {
    const run = new Run();
    const memory = await run.open();
    const [named, bare] = ['1', '2'].map((id) => ({ key: `caller:${id}`, payload: 'p', issued: 1, expires: 2e12 }));
    if (named === undefined || bare === undefined) throw new Error('two');
    await memory.burn(named, BURNED);
    await memory.burn({ ...bare, payload: '' }, BURNED);
    const again = await run.open();
    expect(again.look(named, 'changes').kind).toBe('again');
    expect(again.look(bare, 'changes').kind).toBe('again');
    expect(again.look({ ...named, payload: 'q' }, 'changes').kind).toBe('other-bytes');
    await run.close();
  });
});
