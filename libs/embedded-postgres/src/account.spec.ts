import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTraversableBy, unprivilegedAccount } from './account.js';

/** An account to which no file belongs, so that the bits for others decide. */
const STRANGER = { uid: 54_321, gid: 54_321 };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trunkline-account-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('unprivilegedAccount', () => {
  it('prefers postgres, even if nobody comes first', async () => {
    const file = await passwd('nobody:x:65534:65533::/:/bin/false', 'postgres:x:101:104:a,b:/:/bin/sh');
    expect(await unprivilegedAccount(file)).toEqual({ uid: 101, gid: 104 });
  });

  it('takes nobody where there is no postgres', async () => {
    const file = await passwd('root:x:0:0::/root:/bin/sh', 'nobody:x:65534:65533::/:/bin/false');
    expect(await unprivilegedAccount(file)).toEqual({ uid: 65_534, gid: 65_533 });
  });

  it('names the way out where there is neither', async () => {
    const file = await passwd('root:x:0:0::/root:/bin/sh');
    await expect(unprivilegedAccount(file)).rejects.toMatchObject({
      code: 'EMBEDDED_ACCOUNT_MISSING',
      message: expect.stringContaining('set DATABASE_URL') as string,
    });
  });
});

describe('isTraversableBy', () => {
  it('asks every directory above, not just the last', async () => {
    const inner = join(directory, 'a', 'b');
    await mkdir(inner, { recursive: true });
    await chmod(directory, 0o711);
    expect(await isTraversableBy(STRANGER, inner)).toBe(true);
    await chmod(directory, 0o700);
    expect(await isTraversableBy(STRANGER, inner)).toBe(false);
  });
});

async function passwd(...lines: string[]): Promise<string> {
  const file = join(directory, 'passwd');
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}
