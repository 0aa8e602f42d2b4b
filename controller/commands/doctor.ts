/** `fleet doctor`: what is wrong with this operator's side, and what to do about it first. */
import type { Command } from 'commander';
import { FleetError } from '../../shared/errors.ts';
import { Examination } from '../../shared/doctor/examination.ts';
import { BUS_CHECKS, LOCAL_CHECKS } from '../../shared/doctor/examine.ts';
import { findingOf, walk, type Diagnosis, type Finding } from '../../shared/doctor/finding.ts';
import { adviceLines, MARKS } from '../../shared/doctor/text.ts';
import type { App } from '../app.ts';
import { checkService } from '../check-service.ts';
import type { Context } from '../context.ts';
import { openContext, type GlobalFlags } from '../open-fleet.ts';
import { addOutputOptions, openOutput, type OutputFlags } from '../options/run-options.ts';
import type { ListReport } from '../report.ts';

export function registerDoctor(program: Command, app: App): void {
  const command = program
    .command('doctor')
    .description('Looks at everything between you and the fleet, and says what to mend first.');
  addOutputOptions(command)
    .addHelpText(
      'after',
      `
It changes nothing. On a server, \`fleet-agent doctor\` does the same for its agent.
Exits with 0 when nothing has failed, with 5 when it is the bus, else with 2.

Examples:
  fleet doctor
  fleet doctor --context ~/staging/context.yaml -o json`,
    )
    .action(() => runDoctor(command.optsWithGlobals<GlobalFlags & OutputFlags>(), app));
}

async function runDoctor(flags: GlobalFlags & OutputFlags, app: App): Promise<void> {
  const output = await openOutput('doctor', flags, app);
  const diagnosis = await diagnose(flags, app);
  await output.onEnd(reportOf(diagnosis));
  for (const line of adviceLines(diagnosis)) (diagnosis.first === undefined ? output.notice : output.warning)(line);
  app.setExit(diagnosis.exit);
}

async function diagnose(flags: GlobalFlags, app: App): Promise<Diagnosis> {
  let context: Context;
  try {
    context = await openContext(app, flags);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    const finding = findingOf('settings', error);
    return { findings: [finding], first: finding, exit: error.exit };
  }
  const examination = new Examination(
    {
      side: 'operator',
      servers: context.servers,
      caFile: context.tls?.caFile,
      identityFile: context.identity,
      jsDomain: context.jsDomain,
    },
    { clock: app.clock },
  );
  try {
    const settings: Finding = {
      check: 'settings',
      state: 'ok',
      detail: context.file === undefined ? 'from --server and --identity alone' : `context ${context.file}`,
    };
    const { findings, ...rest } = await walk(
      [...LOCAL_CHECKS, ...BUS_CHECKS, SERVICE_CHECK],
      examination,
      app.interrupt,
    );
    return { ...rest, findings: [settings, ...findings] };
  } finally {
    await examination.close();
  }
}

const SERVICE_CHECK = { name: 'service', check: checkService };

function reportOf({ findings, exit, first }: Diagnosis): ListReport {
  return {
    version: 1,
    command: 'doctor',
    exit,
    list: 'findings',
    one: 'finding',
    items: findings.map((finding) => ({ ...finding, mend: finding.mend ?? null })),
    fields: ['check', 'state', 'detail', 'mend'],
    table: [
      {
        title: '',
        text: ({ state }) => MARKS[state as Finding['state']],
        tone: ({ state }) => TONES[state as Finding['state']],
      },
      { title: 'check', text: ({ check }) => check as string },
      { title: 'found', text: ({ detail }) => detail as string },
    ],
    more: { first: first?.check ?? null },
  };
}

const TONES = { ok: 'good', warning: 'warn', failed: 'bad' } as const;
