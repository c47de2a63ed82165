import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An empty search_path leaves PostgreSQL looking for types in pg_temp first: a role that may publish and make temporary
 * types would run code of its own with the rights of our owner. Named last, pg_temp hides nothing.
 */
export class SearchPaths1763603000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
do $$
declare
  f record;
begin
  for f in
    select p.oid::regprocedure as signature from pg_proc p
     where p.pronamespace = 'trunkline'::regnamespace and 'search_path=""' = any (p.proconfig)
  loop
    execute format('alter function %s set search_path = pg_catalog, pg_temp', f.signature);
  end loop;
end $$`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward'));
  }
}
