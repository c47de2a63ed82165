import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { EmbeddedDirectory, queryOnce, untilDead, untilSoon } from '../../../test/support/embedded-directory.js';
import { postmasterState } from './postmaster-state.js';

let embedded: EmbeddedDirectory;

beforeEach(async () => (embedded = await EmbeddedDirectory.make()));
afterEach(() => embedded.remove());

describe('several users of one directory', () => {
  it.each(['first', 'second'])('lets the %s leave first, and the last stops it', async (leaver) => {
    const starter = await embedded.start();
    const adopter = await embedded.start();
    expect(adopter).toMatchObject({ url: starter.url, isAdopted: true });
    const pid = await embedded.postmasterPid();
    const [early, late] = leaver === 'first' ? [starter, adopter] : [adopter, starter];
    await early.stop();
    expect(await queryOnce(late.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await late.stop();
    await untilDead(pid);
  });

  it('stops the server exactly once when all leave at the same moment', async () => {
    const all = await Promise.all([
      embedded.start(),
      embedded.start(),
      embedded.start(),
      embedded.start(),
      embedded.start(),
    ]);
    expect(all.filter((server) => !server.isAdopted)).toHaveLength(1);
    const pid = await embedded.postmasterPid();
    await Promise.all(all.map((server) => server.stop()));
    await untilDead(pid);
  });

  it('leaves the server to a client that knows only the URL', async () => {
    const server = await embedded.start();
    const stranger = new Client(server.url);
    await stranger.connect();
    await server.stop();
    expect((await stranger.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await stranger.end();
    await (await embedded.start()).stop();
    expect(await postmasterState(join(embedded.path, 'pg'))).toEqual({ kind: 'absent' });
  });

  it('gives five processes that start at once one postmaster', async () => {
    const program = await embedded.compileProgram();
    const five = await Promise.all([1, 2, 3, 4, 5].map(() => embedded.startUser(program)));
    expect(new Set(five.map(({ url }) => url)).size).toBe(1);
    expect(five.filter(({ isAdopted }) => !isAdopted)).toHaveLength(1);
    const pid = await embedded.postmasterPid();
    await Promise.all(five.map((child) => child.stop()));
    await untilDead(pid);
  });

  it('survives the process that started it and is adopted by the next', async () => {
    const { child } = await embedded.startUser(await embedded.compileProgram());
    const pid = await embedded.postmasterPid();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await embedded.start();
    expect(server.isAdopted).toBe(true);
    await server.stop();
    await untilDead(pid);
  });
});

describe('after an accident', () => {
  it('has every committed row after kill -9 of the postmaster', async () => {
    const { url } = await embedded.start();
    await queryOnce(url, 'CREATE TABLE kept (id int)');
    await queryOnce(url, 'INSERT INTO kept SELECT generate_series(1, 1000)');
    await embedded.killPostmaster();
    const revived = await embedded.start();
    expect(revived.isAdopted).toBe(false);
    expect(await queryOnce(revived.url, 'SELECT count(*)::int FROM kept')).toEqual([{ count: 1000 }]);
  });

  it('starts although another program has got the pid of the dead postmaster', async () => {
    await (await embedded.start()).stop();
    const pidFile = [process.pid, join(embedded.path, 'pg'), 0, 1, '', '127.0.0.1', '', 'ready'];
    await writeFile(join(embedded.path, 'pg', 'postmaster.pid'), pidFile.join('\n'));
    const server = await embedded.start();
    expect(server.isAdopted).toBe(false);
  });

  it('heals an initdb whose process was killed half-way', async () => {
    const program = await embedded.compileProgram();
    const doomed = embedded.spawn(program);
    await untilSoon(async () => (await embedded.nurseries()).some((names) => names.includes('data')));
    doomed.kill('SIGKILL');
    await once(doomed, 'exit');
    expect(await readdir(embedded.path)).not.toContain('pg');
    const server = await embedded.start();
    expect(await queryOnce(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await embedded.nurseries()).toEqual([]);
  });

  it('says how to go on when the password is lost', async () => {
    await (await embedded.start()).stop();
    await rm(join(embedded.path, 'pg-password'));
    await expect(embedded.start()).rejects.toMatchObject({
      code: 'EMBEDDED_PASSWORD_LOST',
      remedy: expect.stringContaining('Restore that file') as string,
    });
  });
});
