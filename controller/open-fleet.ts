/** From flags, variables and context file to a connected fleet. */
import type { App } from './app.ts';
import { embeddedFolder, findContext, type Context, type Surroundings } from './context.ts';
import { isUp } from './dev/embedded-state.ts';
import type { Fleet } from './fleet.ts';
import { unlessAborted } from './interrupt.ts';

export interface GlobalFlags {
  readonly context?: string;
  readonly server?: string;
  readonly identity?: string;
}

/** Flags win over variables. */
function surroundingsWith(app: App, flags: GlobalFlags): Surroundings {
  const { surroundings } = app;
  return {
    ...surroundings,
    contextFile: flags.context ?? surroundings.contextFile,
    servers: flags.server ?? surroundings.servers,
    identity: flags.identity ?? surroundings.identity,
  };
}

/** @throws SettingsError */
export function openContext(app: App, flags: GlobalFlags): Promise<Context> {
  const surroundings = surroundingsWith(app, flags);
  return findContext(surroundings, () => isUp(embeddedFolder(surroundings)));
}

/** @throws SettingsError TransportError InterruptedError */
export async function openFleet(app: App, context: Context): Promise<Fleet> {
  const { Fleet } = await import('./fleet.ts');
  return unlessAborted(Fleet.connect(context), app.interrupt);
}
