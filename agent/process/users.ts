/**
 * The accounts of this machine, from /etc/passwd and /etc/group, read again when a file changed. Accounts that only a
 * directory service knows (LDAP, SSSD) are not seen: their processes show the number, and nothing runs as them.
 */
import { readFileSync, statSync } from 'node:fs';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface UserFiles {
  /** @default '/etc/passwd' */
  readonly passwd?: string;
  /** @default '/etc/group' */
  readonly group?: string;
}

interface Group {
  readonly gid: number;
  readonly members: readonly string[];
}

export class Users {
  readonly #accounts: CachedFile<{ byName: Map<string, Account>; byUid: Map<number, Account> }>;
  readonly #groups: CachedFile<Group[]>;

  constructor(files: UserFiles = {}) {
    this.#accounts = new CachedFile(files.passwd ?? '/etc/passwd', (text) => indexAccounts(parsePasswd(text)));
    this.#groups = new CachedFile(files.group ?? '/etc/group', parseGroup);
  }

  /** By name or, when the text is digits that are nobody's name, by number. */
  find(nameOrNumber: string): Account | undefined {
    const { byName, byUid } = this.#accounts.read();
    return byName.get(nameOrNumber) ?? (/^\d+$/.test(nameOrNumber) ? byUid.get(Number(nameOrNumber)) : undefined);
  }

  byUid(uid: number): Account | undefined {
    return this.#accounts.read().byUid.get(uid);
  }

  /** The name of a user, or the number as text where there is no name. */
  nameOf(uid: number): string {
    return this.byUid(uid)?.name ?? String(uid);
  }

  /** All groups of an account: its own first, then those that list it as a member. */
  groupsOf(account: Account): number[] {
    const others = this.#groups.read().filter((group) => group.members.includes(account.name));
    return [...new Set([account.gid, ...others.map((group) => group.gid)])];
  }
}

/** A file's parsed content, parsed again when the file's identity, size or time changed; empty while there is none. */
class CachedFile<Content> {
  readonly #path: string;
  readonly #parse: (text: string) => Content;
  #stamp = '';
  #content: Content;

  constructor(path: string, parse: (text: string) => Content) {
    this.#path = path;
    this.#parse = parse;
    this.#content = parse('');
  }

  read(): Content {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    const stamp = stat === undefined ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    if (stamp !== this.#stamp) {
      this.#content = this.#parse(stat === undefined ? '' : readFileSync(this.#path, 'utf8'));
      this.#stamp = stamp;
    }
    return this.#content;
  }
}

/** `name:password:uid:gid:comment:home:shell`, a line each; a line that is not so is passed over. */
export function parsePasswd(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home] = line.split(':');
    if (!name || !isNumber(uid) || !isNumber(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home: home || '/' }];
  });
}

/** `name:password:gid:member,member`, a line each. */
export function parseGroup(text: string): Group[] {
  return text.split('\n').flatMap((line) => {
    const [name, , gid, members = ''] = line.split(':');
    if (!name || !isNumber(gid)) return [];
    return [{ gid: Number(gid), members: members.split(',').filter((member) => member !== '') }];
  });
}

/** Where two lines share a name or a number, the first one counts, as it does for the C library. */
function indexAccounts(accounts: readonly Account[]) {
  const byName = new Map<string, Account>();
  const byUid = new Map<number, Account>();
  for (const account of accounts) {
    if (!byName.has(account.name)) byName.set(account.name, account);
    if (!byUid.has(account.uid)) byUid.set(account.uid, account);
  }
  return { byName, byUid };
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text);
}
