import { lchown, lstat, readFile, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** The account that runs the programs of PostgreSQL when this process is root, because they refuse root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** These accounts are tried in this order: the one made for the purpose, then the one that every system has. */
const ACCOUNT_NAMES = ['postgres', 'nobody'] as const;

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

export async function unprivilegedAccount(passwdFile = '/etc/passwd'): Promise<Account> {
  const passwd = await readFile(passwdFile, 'utf8');
  for (const name of ACCOUNT_NAMES) {
    const account = accountNamed(name, passwd);
    if (account !== undefined) return account;
  }
  throw new EmbeddedPostgresError(
    'EMBEDDED_ACCOUNT_MISSING',
    `PostgreSQL does not run as root, and ${passwdFile} has none of: ${ACCOUNT_NAMES.join(', ')}.`,
    'Start as an ordinary user, add one of these accounts, or set DATABASE_URL.',
  );
}

/** Lines of passwd(5) are `name:password:uid:gid:comment:home:shell`. */
function accountNamed(name: string, passwd: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [login, , uid, gid] = line.split(':');
    if (login === name && uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/**
 * Tells whether the account may pass through `directory` and everything above it.
 *
 * Only mode bits are judged, because the account runs without supplementary groups, and an access list that grants more
 * only costs a needless move elsewhere.
 */
export async function isTraversableBy(account: Account, directory: string): Promise<boolean> {
  for (let at = await realpath(directory); ; at = dirname(at)) {
    if (!(await mayUse(account, at, 0o1))) return false;
    if (at === dirname(at)) return true;
  }
}

/** Tells whether the account has the rights `bits`, one digit of a mode: 4 read, 2 write, 1 execute or traverse. */
export async function mayUse(account: Account, path: string, bits: number): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  // The kernel takes the first class that matches, even if a later one grants more.
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

/** Gives a whole tree away, without following symbolic links. */
export async function chownTree(root: string, { uid, gid }: Account): Promise<void> {
  await lchown(root, uid, gid);
  if (!(await lstat(root)).isDirectory()) return;
  for (const name of await readdir(root, { recursive: true })) {
    await lchown(join(root, name), uid, gid);
  }
}
