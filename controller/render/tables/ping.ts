/** `fleet ping`: who answered and how quickly, then who did not and why. */
import { createRoundTrips, type RoundTripStatistics } from '../../aggregate/round-trip.ts';
import type { Report } from '../../report.ts';
import { alignColumns, type Cell } from '../columns.ts';
import { inOrder } from '../document.ts';
import { endingCell } from '../ending.ts';
import type { Look } from '../look.ts';
import { visibleLine } from '../visible.ts';

/** With fewer answers the slowest in a hundred is just the slowest. */
const ENOUGH_FOR_P99 = 100;

export function pingTable(report: Report, look: Look): string[] {
  const roundTrips = createRoundTrips();
  const nodes = inOrder(report.nodes);
  for (const { state, ms } of nodes) if (state === 'ok' && ms !== null) roundTrips.add(ms);
  const rows = nodes.map((result): Cell[] =>
    result.state === 'ok'
      ? [
          visibleLine(result.node),
          result.ms === null ? '' : result.ms.toFixed(1),
          result.unexpected === true ? 'unexpected' : '',
        ]
      : [visibleLine(result.node), '', endingCell(result, look)],
  );
  const columns = [{ title: 'NODE' }, { title: 'MS', align: 'right' }, { title: '' }] as const;
  if (rows.length === 0) return [];
  const answered = nodes.filter(({ state }) => state === 'ok').length;
  return [
    ...alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit }),
    '',
    `${answered} of ${nodes.length} answered${statisticsText(roundTrips.statistics())}`,
  ];
}

function statisticsText(statistics: RoundTripStatistics | null): string {
  if (statistics === null) return '';
  const { count, minMs, medianMs, p99Ms, maxMs } = statistics;
  const p99 = count >= ENOUGH_FOR_P99 ? ` · p99 ${p99Ms.toFixed(1)}` : '';
  return ` · min ${minMs.toFixed(1)} · median ${medianMs.toFixed(1)}${p99} · max ${maxMs.toFixed(1)} ms`;
}
