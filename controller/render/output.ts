/**
 * What a command says, from its first result to its last line: data on stdout in the format that was asked for, people's
 * words on stderr. The collecting code reports here as things happen; nothing here decides about the outcome.
 */
import type { Writable } from 'node:stream';
import type { Clock } from '../../shared/clock.ts';
import { isAddressed, type AnyReport, type NodeResult, type Report } from '../report.ts';
import { csvText } from './csv.ts';
import { documentOf } from './document.ts';
import type { Format } from './formats.ts';
import { jsonText } from './json.ts';
import type { Look } from './look.ts';
import { namesText } from './names.ts';
import { nodeLine, summaryLine } from './ndjson.ts';
import type { OutputSink } from '../output/output-sink.ts';
import { createPaint } from './paint.ts';
import { createProgressLine, everyInterval, type Every, type Progress, type ProgressLine } from './progress.ts';
import { noting, withoutShown } from './shown-live.ts';
import { notOkLines, problemLines, summaryText } from './summary.ts';
import { tableText } from './table.ts';
import { visibleText } from './visible.ts';
import { createWriter } from './writer.ts';
import { yamlText } from './yaml.ts';

export interface OutputOptions {
  readonly format: Format;
  /** As in `Report.command`. */
  readonly command: string;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Whether stderr is one: progress is drawn there. @default as stdout */
  readonly isErrorTerminal?: boolean;
  /** Width of the terminal, in cells. */
  readonly columns: number;
  /** Decided by the caller, from terminal, NO_COLOR and --no-color. */
  readonly color: boolean;
  /** `exec` and `run`: nodes that ended alike are shown together. @default true */
  readonly groupByOutput?: boolean;
  /** `facts`: a line per node instead of a distribution. @default false */
  readonly byNode?: boolean;
  /** Only data, and what went wrong. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly clock: Clock;
  /** Drives the redrawing of progress. @default an interval that doesn't keep the process alive */
  readonly every?: Every;
}

export interface Output {
  /** A node has its final state. Called once a node; what was not reported here is written at the end. */
  onNode(result: NodeResult): void;
  onProgress(progress: Progress): void;
  /** Writes the rest, and resolves once it's handed over. Rejects when stdout can't be written, a full disk for one. */
  onEnd(report: AnyReport): Promise<void>;
  /** Where what programs write is shown as it comes, in the formats that can. */
  live(expected: readonly string[]): Promise<OutputSink>;
  /** The same sink; what it is given of a node, the table does not say again. */
  beside(sink: OutputSink): OutputSink;
  /** A line for people, on stderr; nothing when quiet. */
  notice(text: string): void;
  /** An error for people, on stderr, quiet or not. */
  warning(text: string): void;
  /** Takes the progress line away: for when a command ends without a report. */
  stop(): void;
  /** Aborted when nobody reads stdout any more: a reading command may then stop early. */
  readonly closed: AbortSignal;
}

/** Up to this many nodes a table that names them with their reasons is still on the screen when the command ends. */
const NODES_STILL_IN_SIGHT = 20;

export function createOutput(options: OutputOptions): Output {
  const { format, command, quiet } = options;
  const isErrorTerminal = options.isErrorTerminal ?? options.isTerminal;
  const stdout = createWriter(options.stdout);
  const stderr = createWriter(options.stderr);
  const look = lookOf(options, options.isTerminal);
  const errorLook = lookOf(options, isErrorTerminal);
  const written = new Set<string>();
  /** Nodes whose output was shown as it came. */
  const shown = new Set<string>();
  const progress: ProgressLine | null =
    isErrorTerminal && !quiet
      ? createProgressLine(options.columns, {
          write: (text) => stderr.write(text),
          clock: options.clock,
          every: options.every ?? everyInterval,
        })
      : null;

  function data(text: string): void {
    progress?.clear();
    stdout.write(text);
  }

  function words(lines: readonly string[]): void {
    progress?.clear();
    stderr.write(lines.map((line) => `${line}\n`).join(''));
  }

  function node(result: NodeResult): void {
    if (format !== 'ndjson' || written.has(result.node)) return;
    written.add(result.node);
    data(nodeLine(command, result));
  }

  async function document(report: AnyReport): Promise<string> {
    switch (format) {
      case 'json':
        return `${jsonText(documentOf(report), 2)}\n`;
      case 'yaml':
        return yamlText(report);
      case 'csv':
        return csvText(report, options.isTerminal);
      case 'names':
        return namesText(report);
      case 'table':
        return tableText(isAddressed(report) ? withoutShown(report, shown) : report, look);
      case 'ndjson':
        return summaryLine(report);
    }
  }

  /** What the table has just said of each node need not be said again right below it. */
  function hasSaid(report: Report): boolean {
    const named = ['ping', 'ps', 'kill', 'job cancel'].includes(report.command);
    return named && format === 'table' && options.isTerminal && report.nodes.length <= NODES_STILL_IN_SIGHT;
  }

  function lastWords(report: AnyReport): void {
    if (!isAddressed(report)) {
      if ('problems' in report) words(problemLines(report, errorLook));
      return;
    }
    if (!quiet) words([summaryText(report, errorLook)]);
    if (!hasSaid(report)) words(notOkLines(report, errorLook));
  }

  return {
    closed: stdout.closed,
    onNode: node,
    onProgress: (now) => progress?.update(now),
    async onEnd(report) {
      progress?.stop();
      if (isAddressed(report)) report.nodes.forEach(node);
      data(await document(report));
      /** Data first: on a terminal both streams end up in one place. */
      await stdout.flush();
      lastWords(report);
      await stderr.flush();
    },
    async live(expected) {
      const write = (text: string): void | Promise<void> => {
        data(text);
        return stdout.room();
      };
      if (format === 'ndjson') return (await import('./output-objects.ts')).createOutputObjects(write);
      return noting((await import('./live-lines.ts')).createLiveLines({ expected, look, write }), shown);
    },
    beside: (sink) => noting(sink, shown),
    notice(text) {
      if (!quiet) words([visibleText(text)]);
    },
    warning: (text) => words([visibleText(text)]),
    stop: () => progress?.stop(),
  };
}

function lookOf(options: OutputOptions, isTerminal: boolean): Look {
  return {
    paint: createPaint(options.color && isTerminal),
    fit: isTerminal && !options.verbose ? options.columns : null,
    verbose: options.verbose,
    groupByOutput: options.groupByOutput ?? true,
    byNode: options.byNode ?? false,
  };
}
