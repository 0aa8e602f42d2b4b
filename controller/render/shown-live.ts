/** Nodes whose output was shown while it came: a table need not say it again. */
import { recordOf } from '../aggregate/read-data.ts';
import type { OutputSink } from '../output/output-sink.ts';
import type { Report } from '../report.ts';

/** The same sink; who is given something by it is noted. */
export function noting(sink: OutputSink, shown: Set<string>): OutputSink {
  return {
    piece(part) {
      shown.add(part.node);
      return sink.piece(part);
    },
    missing: (part) => sink.missing(part),
    ended(node) {
      shown.add(node);
      return sink.ended(node);
    },
  };
}

export function withoutShown(report: Report, shown: ReadonlySet<string>): Report {
  if (shown.size === 0) return report;
  // Of a log there is nothing to say beside its lines.
  if (report.command === 'logs')
    return { ...report, nodes: report.nodes.filter(({ node, state }) => state !== 'ok' || !shown.has(node)) };
  const nodes = report.nodes.map((node) =>
    shown.has(node.node)
      ? { ...node, data: { ...recordOf(node.data), stdout: '', stderr: '', truncated: null } }
      : node,
  );
  return { ...report, nodes };
}
