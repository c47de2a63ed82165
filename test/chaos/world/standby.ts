import { cp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Client } from 'pg';
import { OwnPostgres } from '../../support/own-postgres.js';
import { query } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const NAME = 'chaos_standby';
const CAUGHT_UP_MS = 30_000;
/** Files that a server makes for itself: those of its process, of its own WAL, of its own slots. */
const NOT_COPIED =
  /^(postmaster\.(pid|opts)|(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_stat_tmp)\/.+|.*pg_internal\.init)$/;

/**
 * Copies a PostgreSQL while it serves, and starts the copy as its synchronous standby: no commit is confirmed before
 * both have it.
 */
export async function startStandby(primary: OwnPostgres, adminUrl: string): Promise<OwnPostgres> {
  const directory = await OwnPostgres.makeDirectory();
  try {
    await query(adminUrl, `select pg_create_physical_replication_slot('${NAME}', true)`);
    await copyCluster(primary.directory, directory, adminUrl);
    const standby = await OwnPostgres.startIn(directory, follow(primary, adminUrl), primary.environment);
    await makeSynchronous(adminUrl).catch(async (error: unknown) => {
      await standby.remove();
      throw error;
    });
    return standby;
  } catch (error) {
    await stopFollowing(adminUrl);
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Ends the replication. A primary whose standby is gone keeps WAL for it and waits for it at every commit. */
async function stopFollowing(adminUrl: string): Promise<void> {
  await query(adminUrl, 'alter system reset synchronous_standby_names');
  await query(adminUrl, 'select pg_reload_conf()');
  await until('the slot is free', async () => {
    const dropped = `select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active`;
    await query(adminUrl, dropped);
    return (await query(adminUrl, 'select from pg_replication_slots')).length === 0;
  });
}

/** Copies the files as pg_basebackup does, which the embedded PostgreSQL does not have. */
async function copyCluster(from: string, to: string, adminUrl: string): Promise<void> {
  // The backup ends with its session.
  const session = new Client({ connectionString: adminUrl });
  session.on('error', () => undefined);
  await session.connect();
  try {
    await session.query(`select pg_backup_start('${NAME}', true)`);
    await cp(join(from, 'pg-password'), join(to, 'pg-password'));
    const [source, target] = [join(from, 'pg'), join(to, 'pg')];
    const filter = (path: string): boolean => !NOT_COPIED.test(relative(source, path));
    await cp(source, target, { recursive: true, filter });
    const { rows } = await session.query<{ label: string }>('select labelfile as label from pg_backup_stop(false)');
    await writeFile(join(target, 'backup_label'), rows[0]?.label ?? '');
    await writeFile(join(target, 'standby.signal'), '');
  } finally {
    await session.end();
  }
}

function follow({ parameters }: OwnPostgres, adminUrl: string): Record<string, string> {
  const { hostname, port, username, password } = new URL(adminUrl);
  const primary_conninfo = `host=${hostname} port=${port} user=${username} password=${password} application_name=${NAME}`;
  return { ...parameters, primary_conninfo, primary_slot_name: NAME };
}

/** Makes the standby synchronous, and waits until everything committed before has arrived there as well. */
async function makeSynchronous(adminUrl: string): Promise<void> {
  await query(adminUrl, `alter system set synchronous_standby_names = '${NAME}'`);
  await query(adminUrl, 'select pg_reload_conf()');
  const synchronous = `select from pg_stat_replication where application_name = '${NAME}' and sync_state = 'sync'`;
  await until('the standby is synchronous', async () => (await query(adminUrl, synchronous)).length > 0, CAUGHT_UP_MS);
  const [{ lsn } = { lsn: '' }] = await query<{ lsn: string }>(adminUrl, 'select pg_current_wal_lsn()::text as lsn');
  const caughtUp = `${synchronous} and flush_lsn >= '${lsn}'::pg_lsn`;
  await until('the standby has caught up', async () => (await query(adminUrl, caughtUp)).length > 0, CAUGHT_UP_MS);
}
