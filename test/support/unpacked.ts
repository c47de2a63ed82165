import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Programs that are unpacked for the tests, but not installed, have their directories in here. */
export const UNPACKED = resolve('.trunkline/packages');

/**
 * Makes a directory of that name with what `fill` puts into it. It is filled beside its place and then moved there,
 * because two test files may be at it at once.
 * @returns its path
 */
export async function makeUnpacked(name: string, fill: (draft: string) => Promise<void>): Promise<string> {
  const root = join(UNPACKED, name);
  await mkdir(UNPACKED, { recursive: true });
  const draft = await mkdtemp(`${root}.`);
  try {
    await chmod(draft, 0o755); // PostgreSQL and PgBouncer never run as root
    await fill(draft);
    await rm(root, { recursive: true, force: true });
    await rename(draft, root);
    return root;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
