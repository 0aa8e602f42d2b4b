/**
 * What the commands of a fleet's owner share: its folder is found, and where logins ended, the bus hears of it at once;
 * where it can't, the person hears what to do.
 */
import { FleetError } from '../../shared/errors.ts';
import type { App } from '../app.ts';
import { configFolder } from '../context.ts';
import type { FleetHome } from '../setup/fleet-home.ts';
import type { LockOptions } from '../setup/hold-lock.ts';

export interface FleetChange {
  /** Folder of the fleet. @default the operator's configuration folder */
  readonly dir: string | undefined;
  /** Whether logins end by it. */
  readonly endsLogins: boolean;
  /** Where bus.json may be, beside it. */
  readonly rootFile?: string | undefined;
}

type Waiting = Omit<LockOptions, 'what'>;

/** Also after work that ended halfway: a second run may find nothing left to change. */
export async function changeFleet<T>(
  { dir, endsLogins, rootFile }: FleetChange,
  app: App,
  work: (home: FleetHome, waiting: Waiting) => Promise<T>,
): Promise<T> {
  const { FleetHome } = await import('../setup/fleet-home.ts');
  const { withAudit } = await import('../setup/audit-changes.ts');
  const { describeFolderError } = await import('../setup/make-folder.ts');
  const home = new FleetHome(dir ?? configFolder(app.surroundings));
  const waiting = {
    signal: app.interrupt,
    onWait: (line: string): unknown => app.stderr.write(`fleet: ${line}\n`),
  };
  let result: T;
  try {
    result = await withAudit(home, { clock: app.clock, onProblem: waiting.onWait }, () => work(home, waiting));
  } catch (error) {
    if (endsLogins && home.exists()) await tellBus(home, rootFile, app, waiting).catch(() => undefined);
    throw describeFolderError(home.folder, error);
  }
  if (endsLogins)
    await tellBus(home, rootFile, app, waiting).catch((error: unknown) => {
      if (!(error instanceof FleetError)) throw error;
      app.stderr.write(notTold(error, dir));
    });
  return result;
}

async function tellBus(home: FleetHome, rootFile: string | undefined, app: App, waiting: Waiting): Promise<void> {
  const { pushAccounts } = await import('../setup/push-accounts.ts');
  const { findBusKeys } = await import('../setup/bus-keys.ts');
  const { publishRevocations } = await import('../setup/publish-revocations.ts');
  await pushAccounts(home, { ...waiting, now: app.clock.now(), busKeysFile: findBusKeys(home, rootFile) });
  // What logins ended for: nodes don't take anything from the old keys either, whoever carries it to them.
  await publishRevocations(home, { ...waiting, clock: app.clock });
}

/** Nothing of it is undone: the new keys are there, and the old ones can only log in, and listen. */
function notTold(error: FleetError, dir: string | undefined): string {
  const hint = error.hint === undefined ? '' : `  ${error.hint}\n`;
  return `The bus wasn't told, so the OLD KEYS CAN STILL LOG IN there: ${error.message}\n${hint}  Then: fleet ca push${dir === undefined ? '' : ` --dir ${dir}`}\n`;
}
