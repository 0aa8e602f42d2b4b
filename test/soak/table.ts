/** What a soak found, as the table that it ends with. */
import type { Soaked } from './soak.ts';
import type { Schedule } from './schedule.ts';

export interface Findings {
  readonly lines: readonly string[];
  /** Nothing was lost, and nothing done twice. */
  readonly isGood: boolean;
}

export function describe({ faults }: Schedule, soaked: readonly Soaked[]): Findings {
  const outcomes = soaked.flatMap((one) => one.outcomes.map((outcome) => ({ ...outcome, ...one })));
  const count = (wanted: string): number => outcomes.filter(({ flaw }) => flaw === wanted).length;
  const [lost, doubled, unknown] = ['lost', 'doubled', 'unknown'].map(count);
  const effects = outcomes.reduce((sum, { ran }) => sum + ran, 0);
  const unsent = soaked.filter(({ job }) => job === undefined).length;
  const row = (name: string, value: number, more = ''): string =>
    `${name.padEnd(34)}${String(value).padStart(6)}${more}`;
  const byKind = countBy(faults.map(({ kind }) => kind));
  const states = countBy(outcomes.filter(({ job }) => job !== undefined).map(({ state }) => state));
  return {
    isGood: lost === 0 && doubled === 0,
    lines: [
      ...[...byKind].map(([kind, number]) => row(`fault ${kind}`, number)),
      row('faults injected', faults.length),
      row('commands given', soaked.length),
      row('of them not sent, and said so', unsent),
      row('targets', outcomes.length - unsentTargets(soaked)),
      ...[...states].map(([state, number]) => row(`  ${state}`, number)),
      row('effects seen', effects),
      row('lost', lost ?? 0),
      row('doubled', doubled ?? 0),
      row('unknown, and said to be', unknown ?? 0),
      ...outcomes
        .filter(({ flaw }) => flaw === 'lost' || flaw === 'doubled')
        .map(
          ({ command, flaw, job, node, ran, reason, state }) =>
            `${flaw}: ${command.kind} ${command.id} (job ${job ?? 'none'}) on ${node}: ${state}, ran ${ran} times: ${reason ?? ''}`,
        ),
    ],
  };
}

const unsentTargets = (soaked: readonly Soaked[]): number =>
  soaked.filter(({ job }) => job === undefined).reduce((sum, { outcomes }) => sum + outcomes.length, 0);

function countBy(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of [...items].toSorted()) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
