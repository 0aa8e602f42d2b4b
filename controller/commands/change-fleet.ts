/** What the commands of a fleet's owner share: its folder is found, and the bus reads its users again afterwards. */
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import type { LockOptions } from '../setup/hold-lock.ts';

/** Also after work that ended halfway: a second run may find nothing left to change. */
export async function changeFleet<T>(
  dir: string | undefined,
  app: App,
  work: (home: FleetHome, waiting: Omit<LockOptions, 'what'>) => Promise<T>,
): Promise<T> {
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { describeFolderError } = await import('../setup/make-folder.ts');
  const { reloadBus } = await import('../setup/reload-bus.ts');
  const home = new FleetHome(dir ?? configFolder(app.surroundings));
  let result: T;
  try {
    result = await work(home, { signal: app.interrupt, onWait: (line) => app.stderr.write(`fleet: ${line}\n`) });
  } catch (error) {
    reloadBus(home);
    throw describeFolderError(home.folder, error);
  }
  if (!reloadBus(home))
    app.stderr.write(
      `The bus doesn't run on this machine: bring ${home.natsConfig} there and reload it (nats-server --signal reload).\n`,
    );
  return result;
}
