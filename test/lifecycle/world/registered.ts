import type { OwnPostgres } from '../../support/own-postgres.js';

export type Query = OwnPostgres['query'];

/** Counts the rows that an instance has in the registry. */
export async function registeredRows(query: Query, instanceId: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select (select count(*) from trunkline.instances where instance_id = $1)::int
          + (select count(*) from trunkline.connections where instance_id = $1)::int
          + (select count(*) from trunkline.routes where instance_id = $1)::int as count`,
    [instanceId],
  );
  return row?.count ?? -1;
}

/** Counts the rows of all instances but these. */
export async function rowsOfOthers(query: Query, instanceIds: readonly string[]): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select (select count(*) from trunkline.instances where instance_id <> all ($1))::int
          + (select count(*) from trunkline.connections where instance_id <> all ($1))::int
          + (select count(*) from trunkline.routes where instance_id <> all ($1))::int as count`,
    [instanceIds],
  );
  return row?.count ?? -1;
}
