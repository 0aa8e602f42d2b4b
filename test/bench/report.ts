/** The benchmark's table. */
import type { Machine } from './machine.ts';
import { isMet, type Measurement } from './measurement.ts';

/** What the numbers don't have in them. */
export const LEFT_OUT = [
  'fleet --version and fleet ping: a first run after boot (programs and libraries are in the page cache); a network',
  'agent ready: its "ready" line, which it writes when it is connected and its subscriptions are known to the bus; facts are',
  '  still being collected then. Started again on its own state, with the bus up',
  'verify, filter and dispatch: from the bytes of a message to the call of the action, ping, as an agent does it that is',
  '  warm and has seen the caller before. In it: signature, decoding, schemas, addressing, replay memory, expression over',
  '  real facts, policy, input. Not in it: the network, the lines in log and journal, which the next row has',
  'policy and audit: CPU time of the whole process, threads that write files included, beside one rule without conditions and',
  '  no trail; fifty commands are signed together, as on a busy node. Not in it: sending the batch over a real connection',
  'one join: all that the service does for it, the audit trail on its disk included; several run at once, so this is how often',
  '  one ends: 60 ms is a thousand a minute. Not in it: the keys, which servers make, and connections of their own',
] as const;

export function tableOf(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { what, value, unit, baseline, ratio, goal } = measurement;
    const met = isMet(measurement);
    return [
      what,
      withUnit(value.median, unit),
      `${number(value.least)}–${number(value.most)}`,
      baseline === undefined ? '' : `${baseline.what} ${withUnit(baseline.value.median, unit)}`,
      ratio === undefined ? '' : `${ratio.toFixed(2)}×`,
      goal === undefined ? '' : `≤ ${goal.of === 'ratio' ? `${goal.most}×` : withUnit(goal.most, unit)}`,
      met === undefined ? '' : met ? 'met' : 'MISSED',
    ];
  });
  const head = ['', 'median', 'range', 'compared with', 'ratio', 'goal', ''];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function machineLine({ cpu, cores, memoryGiB, system, node, v8, natsServer, fleet, load }: Machine): string {
  return `fleet ${fleet} · Node.js ${node} (V8 ${v8}) · nats-server ${natsServer} · ${cores} × ${cpu}, ${memoryGiB} GiB, ${system} · load ${load}`;
}

const number = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));
const withUnit = (value: number, unit: string): string => `${number(value)} ${unit}`;
