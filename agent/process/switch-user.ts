/**
 * How a program is started as another user with all of that user's groups. Node's own `uid` and `gid` drop every
 * supplementary group, so an account that has some goes through setpriv (util-linux), which replaces itself by the
 * program: the pid stays the same.
 */
import { ActionError, RefusedError } from '../../shared/errors.ts';
import { DEFAULT_PATH } from './environment.ts';
import { findProgram } from './find-program.ts';
import type { Account, Users } from './users.ts';

/** setpriv says this, and exits 126 or 127, when it can't become the program. */
const EXEC_FAILED = /^setpriv: failed to execute (.*)$/m;

export interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  /** Arguments that come before those of the program. */
  readonly prefix: readonly string[];
}

/** The account a program runs as, and whether that is a change. Throws `ActionError` and `RefusedError`. */
export function chooseAccount(
  wanted: string | undefined,
  users: Users,
  ownUid: number,
): { account: Account | undefined; change: boolean } {
  if (wanted === undefined) return { account: users.byUid(ownUid), change: false };
  const account = users.find(wanted);
  if (account === undefined) {
    throw new ActionError(`there is no user ${wanted} on this node`, { code: 'no-such-user' });
  }
  if (account.uid === ownUid) return { account, change: false };
  if (ownUid !== 0) {
    throw new RefusedError(
      `the agent runs as ${users.nameOf(ownUid)}: only an agent that runs as root can run a program as ${account.name}`,
      { code: 'cannot-switch-user' },
    );
  }
  return { account, change: true };
}

export async function identityOf(account: Account, users: Users): Promise<Identity> {
  const groups = users.groupsOf(account);
  if (groups.length === 1) return { uid: account.uid, gid: account.gid, prefix: [] };
  const setpriv = await findProgram('setpriv', DEFAULT_PATH, '/').catch((cause: unknown) => {
    throw new RefusedError(`setpriv is needed to run as ${account.name}, who is in several groups`, {
      code: 'cannot-switch-user',
      hint: 'install util-linux on the node',
      cause,
    });
  });
  const { uid, gid } = account;
  return {
    prefix: [setpriv, `--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups.join(',')}`, '--'],
  };
}

/** The error of a program that setpriv couldn't become, from setpriv's exit and words. */
export function switchFailure(exit: number | null, stderr: string): ActionError | undefined {
  if (exit !== 126 && exit !== 127) return undefined;
  const said = EXEC_FAILED.exec(stderr)?.[1];
  if (said === undefined) return undefined;
  const code = exit === 127 ? 'not-found' : 'not-executable';
  return new ActionError(`cannot run ${said}`, { code });
}
