import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';

const NOTHING_TO_END = (): void => undefined;

/**
 * Has commits confirmed up to ten seconds before their WAL is written. What a crash then takes had been acknowledged.
 */
export async function forgetQuickly({ database }: ChaosEnvironment): Promise<() => void> {
  await database.query(`alter system set synchronous_commit = 'off'`);
  await database.query(`alter system set wal_writer_delay = '10s'`);
  await database.query(`alter system set wal_writer_flush_after = '1GB'`);
  await database.query('select pg_reload_conf()');
  return NOTHING_TO_END;
}

const SKIP = `
  create function trunkline.chaos_skip() returns trigger language plpgsql as $$ begin return null; end $$;
  create trigger chaos_skip before insert on trunkline.publish_ids
    for each row execute function trunkline.chaos_skip()`;

/** Keeps publish ids from being stored. A repeated publish is then stored again. */
export async function forgetPublishIds({ database }: ChaosEnvironment): Promise<() => void> {
  await database.query(SKIP);
  return NOTHING_TO_END;
}
