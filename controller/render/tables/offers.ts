/** What nodes offer: `task list|show` and `action list|show`. */
import type { TaskParameter } from '../../../shared/wire/inventory.ts';
import type { ActionOffer, ActionReport, TaskOffer, TaskReport } from '../../report.ts';
import { alignColumns } from '../columns.ts';
import { elapsedText } from '../durations.ts';
import type { Look } from '../look.ts';
import { nodeNames } from '../node-names.ts';
import { treeLines, valueText } from '../values.ts';
import { visibleLine } from '../visible.ts';

/** Names of nodes get what a terminal can spare beside a description. */
const NODES_IN_A_LIST = 32;

export function taskTable(report: TaskReport, look: Look): string[] {
  if (report.command === 'task show') return blocks(report.tasks.map((offer) => taskBlock(offer, look)));
  const rows = report.tasks.map(({ task, nodes }) => [
    visibleLine(task.name),
    task.changes ? 'changes' : 'reads',
    namesInList(nodes, look),
    [signature(task.parameters), visibleLine(task.description ?? '')].filter((text) => text !== '').join('  '),
  ]);
  const columns = [{ title: 'TASK' }, { title: 'EFFECT' }, { title: 'NODES' }, { title: 'PARAMETERS, DESCRIPTION' }];
  return alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit });
}

export function actionTable(report: ActionReport, look: Look): string[] {
  if (report.command === 'action show') return blocks(report.actions.map((offer) => actionBlock(offer, look)));
  const rows = report.actions.map(({ name, effect, description, nodes }) => [
    visibleLine(name),
    effect ?? 'unknown',
    namesInList(nodes, look),
    visibleLine(description ?? ''),
  ]);
  const columns = [{ title: 'ACTION' }, { title: 'EFFECT' }, { title: 'NODES' }, { title: 'DESCRIPTION' }];
  return alignColumns(columns, rows, { title: look.paint.faint, fit: look.fit });
}

function taskBlock({ task, nodes }: TaskOffer, look: Look): string[] {
  const fields = [
    ['description', visibleLine(task.description ?? '')],
    ['effect', task.changes ? 'changes' : 'reads'],
    ['dry run', task.check ? 'runs its check' : 'has no check'],
    ['time limit', task.timeoutMs === undefined ? '' : elapsedText(task.timeoutMs)],
    ['nodes', nodeNames(nodes, look.fit)],
  ];
  const parameters = Object.entries(task.parameters).map(([name, parameter]) => [
    visibleLine(name),
    parameterText(parameter),
    visibleLine(parameter.description ?? ''),
  ]);
  return [
    look.paint.strong(visibleLine(task.name)),
    ...fieldLines(fields, look),
    ...(parameters.length === 0 ? [] : [`  ${look.paint.faint('parameters')}`]),
    ...alignColumns([{ title: '' }, { title: '' }, { title: '' }], parameters, { fit: look.fit, indent: 4 }),
  ];
}

function actionBlock({ name, description, effect, timeoutMs, input, nodes }: ActionOffer, look: Look): string[] {
  const fields = [
    ['description', visibleLine(description ?? '')],
    ['effect', effect ?? 'unknown to this controller'],
    ['time limit', timeoutMs === null ? '' : elapsedText(timeoutMs)],
    ['nodes', nodeNames(nodes, look.fit)],
  ];
  return [
    look.paint.strong(visibleLine(name)),
    ...fieldLines(fields, look),
    ...(input === undefined ? [] : [`  ${look.paint.faint('input')}`, ...treeLines(input, '    ')]),
  ];
}

function fieldLines(fields: readonly string[][], look: Look): string[] {
  const filled = fields.filter(([, text]) => text !== '');
  const rows = filled.map(([title = '', text = '']) => [{ text: title, paint: look.paint.faint }, text]);
  return alignColumns([{ title: '' }, { title: '' }], rows, { fit: look.fit, indent: 2 });
}

/** `version=<string> [force=<boolean>]` */
function signature(parameters: Readonly<Record<string, TaskParameter>>): string {
  return Object.entries(parameters)
    .map(([name, { type, required, sensitive }]) => {
      const text = `${visibleLine(name)}=<${sensitive === true ? 'secret' : type}>`;
      return required === true ? text : `[${text}]`;
    })
    .join(' ');
}

function parameterText(parameter: TaskParameter): string {
  const { type, required, choices, pattern, min, max, sensitive } = parameter;
  return [
    sensitive === true ? 'secret' : type,
    required === true ? 'required' : 'optional',
    ...(parameter.default === undefined ? [] : [`default ${valueText(parameter.default)}`]),
    ...(choices === undefined ? [] : [`one of ${choices.map(valueText).join(', ')}`]),
    ...(pattern === undefined ? [] : [`matches /${visibleLine(pattern)}/`]),
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ].join(', ');
}

function namesInList(nodes: readonly string[], look: Look): string {
  return nodeNames(nodes, look.fit === null ? null : NODES_IN_A_LIST);
}

function blocks(list: readonly string[][]): string[] {
  return list.flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]));
}
