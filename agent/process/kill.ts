/**
 * A kill by selector: match, spare, signal, wait, look once more. Only what the table has in scope exists for it.
 * A process that forks faster than it's killed is looked for once more after the first round; a second look isn't
 * taken, so that a kill ends.
 */
import type { ProcessSelector } from '../../shared/actions/process-list.ts';
import type { SignalledProcess } from '../../shared/actions/process-signal.ts';
import type { Clock } from '../../shared/clock.ts';
import { sortNewcomers } from './newcomers.ts';
import type { ProcessRecord, ProcessTable } from './process-table.ts';
import { findProtected, type Protection } from './protect.ts';
import { compileSelector } from './select.ts';
import { ENDING_SIGNALS, entryOf, signalProcesses, type RoundResult } from './signal-processes.ts';
import type { Users } from './users.ts';

export interface KillRequest {
  readonly select: ProcessSelector;
  readonly signal: string;
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly abort: AbortSignal;
}

export interface KillDependencies {
  readonly table: ProcessTable;
  readonly users: Users;
  readonly clock: Clock;
  readonly protection: Protection;
}

export interface KillResult {
  readonly signalled: SignalledProcess[];
  readonly gone: SignalledProcess[];
  readonly remaining: SignalledProcess[];
  readonly spared: SignalledProcess[];
}

export async function killProcesses(request: KillRequest, dependencies: KillDependencies): Promise<KillResult> {
  const { table, users } = dependencies;
  const matches = compileSelector(request.select, users);
  const matching = async (): Promise<ProcessRecord[]> => (await table.list()).filter(matches);

  const found = await matching();
  const { targets, spared } = await spare(found, dependencies.protection);
  if (request.dryRun) return { signalled: targets.map((target) => entryOf(target)), gone: [], remaining: [], spared };

  const { signal, graceMs, abort } = request;
  const round = { signal, graceMs, matches, abort };
  const first = await signalProcesses(targets, round, dependencies);
  if (!ENDING_SIGNALS.has(signal) || first.signalled.length === 0 || abort.aborted) return resultOf([first], spared);

  const newcomers = sortNewcomers(await matching(), found, first.signalled);
  const second = await spare(newcomers.escaped, dependencies.protection);
  const restarted = newcomers.restarted.map((record) => entryOf(record, 'started while the others were ended'));
  const last = await signalProcesses(second.targets, round, dependencies);
  return resultOf([first, last], [...spared, ...second.spared, ...restarted]);
}

async function spare(
  found: readonly ProcessRecord[],
  protection: Protection,
): Promise<{ targets: ProcessRecord[]; spared: SignalledProcess[] }> {
  if (found.length === 0) return { targets: [], spared: [] };
  const reasons = await findProtected(found, protection);
  return {
    targets: found.filter((record) => !reasons.has(record.pid)),
    spared: found.filter((record) => reasons.has(record.pid)).map((record) => entryOf(record, reasons.get(record.pid))),
  };
}

function resultOf(rounds: readonly RoundResult[], spared: readonly SignalledProcess[]): KillResult {
  return {
    signalled: rounds.flatMap((round) => round.signalled.map((record) => entryOf(record))),
    gone: rounds.flatMap((round) => round.gone.map((record) => entryOf(record))),
    remaining: rounds.flatMap((round) => round.remaining),
    spared: [...spared, ...rounds.flatMap((round) => round.spared)],
  };
}
