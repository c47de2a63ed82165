import { chmod, lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedDirectory, queryOnce, untilDead } from '../../../test/support/embedded-directory.js';
import { chownTree, isRoot } from './account.js';
import { EmbeddedPostgresError } from './embedded-postgres.js';
import { postmasterState } from './postmaster-state.js';

const NOBODY = { uid: 65_534, gid: 65_534 };

let embedded: EmbeddedDirectory;

beforeEach(async () => (embedded = await EmbeddedDirectory.make()));
afterEach(() => embedded.remove());

describe('one process', () => {
  it('starts from nothing and answers', async () => {
    const server = await embedded.start();
    expect(server.isAdopted).toBe(false);
    expect(await queryOnce(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('runs durable, on loopback only, with 300 connections, UTF-8 and UTC', async () => {
    const { url } = await embedded.start();
    const names =
      'fsync synchronous_commit listen_addresses unix_socket_directories max_connections TimeZone server_encoding';
    const rows = await queryOnce(
      url,
      `SELECT string_agg(current_setting(name), ' ' ORDER BY ordinality) AS text
         FROM unnest(string_to_array('${names}', ' ')) WITH ORDINALITY AS wanted (name)`,
    );
    expect(rows).toEqual([{ text: 'on on 127.0.0.1  300 UTC UTF8' }]);
  });

  it('passes settings on as they are', async () => {
    const { url } = await embedded.start({ parameters: { 'trunkline.note': `it's "$HOME"; exit` } });
    expect(await queryOnce(url, `SHOW trunkline.note`)).toEqual([{ 'trunkline.note': `it's "$HOME"; exit` }]);
  });

  it('keeps its password to itself and asks for it', async () => {
    const { url } = await embedded.start();
    expect((await lstat(join(embedded.path, 'pg-password'))).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(queryOnce(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('comes back on the same port with the same rows', async () => {
    const first = await embedded.start();
    await queryOnce(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await embedded.start();
    expect(second.url).toBe(first.url);
    expect(await queryOnce(second.url, 'TABLE kept')).toEqual([{ answer: 42 }]);
  });

  it('stops once however often it is asked', async () => {
    const server = await embedded.start();
    const pid = await embedded.postmasterPid();
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await untilDead(pid);
  });

  it('stops without complaint when the server is gone already', async () => {
    const server = await embedded.start();
    await embedded.killPostmaster();
    await server.stop();
  });

  it('says what PostgreSQL disliked about a setting, and leaves nothing running', async () => {
    const failure = await embedded.start({ parameters: { work_mem: 'plenty' } }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedPostgresError);
    expect(failure).toMatchObject({
      code: 'EMBEDDED_START_FAILED',
      message: expect.stringContaining('invalid value for parameter "work_mem"') as string,
    });
    expect(await postmasterState(join(embedded.path, 'pg'))).toEqual({ kind: 'absent' });
  });
});

(isRoot() ? describe : describe.skip)('as root', () => {
  it('keeps the data elsewhere if the project lies under a directory for root only', async () => {
    await chmod(embedded.base, 0o700);
    const server = await embedded.start();
    expect(await queryOnce(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await readlink(join(embedded.path, 'pg'))).toMatch(/^\/var\/tmp\/trunkline-[0-9a-f]{12}\/pg$/);
    const adopter = await embedded.start();
    expect(adopter.isAdopted).toBe(true);
  });

  it('goes on as the owner of data that an ordinary user made', async () => {
    await (await embedded.start()).stop();
    await chownTree(join(embedded.path, 'pg'), NOBODY);
    await embedded.start();
    expect((await lstat(join(embedded.path, 'pg', 'postmaster.pid'))).uid).toBe(NOBODY.uid);
  });
});
