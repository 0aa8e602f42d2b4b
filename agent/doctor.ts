/** `fleet-agent doctor`: what is wrong on this server, from its configuration to the bus, and what to do about it first. */
import { access, constants } from 'node:fs/promises';
import type { Clock } from '../shared/clock.ts';
import { Examination } from '../shared/doctor/examination.ts';
import { BUS_CHECKS, LOCAL_CHECKS } from '../shared/doctor/examine.ts';
import { findingOf, walk, type Check, type Diagnosis, type Finding } from '../shared/doctor/finding.ts';
import { FleetError } from '../shared/errors.ts';
import { controlFolder, withNewestCredential } from './own-credential.ts';
import { readAgentSettings, type AgentSettings } from './settings.ts';
import { runningAgent } from './state-lock.ts';

export interface DoctorOptions {
  /** Path of the agent's configuration. */
  readonly config: string;
  readonly bootId: string;
  readonly signal: AbortSignal;
}

/** Changes nothing that matters: to read the bus's clock, the node's own entry is stored there once more as it is. */
export async function diagnose(options: DoctorOptions, dependencies: { clock: Clock }): Promise<Diagnosis> {
  const { config, bootId, signal } = options;
  let settings: AgentSettings;
  try {
    settings = await readAgentSettings(config);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    const finding = findingOf('settings', error);
    return { findings: [finding], first: finding, exit: error.exit };
  }
  const examination = new Examination(
    {
      side: 'node',
      servers: settings.servers,
      caFile: settings.tls?.caFile,
      identityFile: settings.identity,
      newest: (identity) => withNewestCredential(controlFolder(settings.stateDir), identity),
      jsDomain: settings.jsDomain,
    },
    dependencies,
  );
  const checks = [
    { name: 'settings', check: (async (_, report) => (report(found(config)), true)) satisfies Check<Examination> },
    ...LOCAL_CHECKS,
    { name: 'agent', check: checkAgent(settings, config, bootId) },
    ...BUS_CHECKS,
  ];
  try {
    return await walk(checks, examination, signal);
  } finally {
    await examination.close();
  }
}

const found = (config: string): Finding => ({ check: 'settings', state: 'ok', detail: config });

/** Does an agent run with this configuration, and can it keep what it must not forget? */
function checkAgent({ stateDir }: AgentSettings, config: string, bootId: string): Check<Examination> {
  return async (_examination, report) => {
    const pid = await runningAgent({ stateDir, bootId });
    try {
      await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT')
        report({
          check: 'agent',
          state: 'failed',
          detail: `the state folder ${stateDir} can't be written (${code ?? 'error'})`,
          mend: `Run this as the user of the agent; if it is that user, chown the folder to it.`,
        });
    }
    report(
      pid === undefined
        ? {
            check: 'agent',
            state: 'failed',
            detail: 'no agent runs with this configuration',
            mend: `systemctl start fleet-agent, or: fleet-agent --config ${config}`,
          }
        : { check: 'agent', state: 'ok', detail: `running as process ${pid}` },
    );
    return true;
  };
}
