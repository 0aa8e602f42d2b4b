/** From flags, variables and context file to a connected fleet. */
import type { App } from './app.ts';
import {
  auditFolder,
  embeddedFolder,
  findContext,
  rememberFolder,
  type Context,
  type Surroundings,
} from './context.ts';
import { isUp } from './dev/embedded-state.ts';
import type { Fleet } from './fleet.ts';
import { unlessAborted } from './interrupt.ts';
import type { Output } from './render/output.ts';

export interface GlobalFlags {
  readonly context?: string;
  readonly server?: string;
  readonly identity?: string;
  readonly caFile?: string;
}

/** Flags win over variables. */
function surroundingsWith(app: App, flags: GlobalFlags): Surroundings {
  const { surroundings } = app;
  return {
    ...surroundings,
    contextFile: flags.context ?? surroundings.contextFile,
    servers: flags.server ?? surroundings.servers,
    identity: flags.identity ?? surroundings.identity,
    caFile: flags.caFile ?? surroundings.caFile,
  };
}

/** @throws SettingsError */
export function openContext(app: App, flags: GlobalFlags): Promise<Context> {
  const surroundings = surroundingsWith(app, flags);
  return findContext(surroundings, () => isUp(embeddedFolder(surroundings)));
}

/**
 * With an output, the person hears when another fleet than their own was found.
 * @throws SettingsError TransportError InterruptedError
 */
export async function openFleet(app: App, context: Context, output?: Pick<Output, 'notice'>): Promise<Fleet> {
  const { Fleet } = await import('./fleet.ts');
  const fleet = await unlessAborted(
    Fleet.connect({
      ...context,
      sshAgentSocket: app.surroundings.sshAgentSocket,
      auditFolder: auditFolder(app.surroundings, context.file),
      rememberFolder: rememberFolder(app.surroundings, context.file),
    }),
    app.interrupt,
  );
  if (context.hidden !== undefined)
    output?.notice(`using the embedded fleet of this machine, not ${context.hidden}: \`fleet dev down\` ends it`);
  return fleet;
}
