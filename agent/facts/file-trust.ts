/**
 * Whether the agent may believe, or run, what a file holds. Who can write a fact can move a node into the target of a
 * command, and an executable there runs as the agent.
 */

const WRITABLE_BY_OTHERS = 0o022;

/** Why it may not, in words, or undefined. `user` is the one that the agent runs as. */
export function distrust(file: { readonly uid: number; readonly mode: number }, user: number): string | undefined {
  if (file.uid !== 0 && file.uid !== user) {
    return `belongs to user ${file.uid}: only root or the agent's own user may own it (chown root)`;
  }
  if ((file.mode & WRITABLE_BY_OTHERS) !== 0) {
    return `may be written by others (mode ${(file.mode & 0o7777).toString(8).padStart(4, '0')}; chmod go-w)`;
  }
  return undefined;
}
