import type { Comparison, OpenWires } from './open-sockets.js';
import type { OwnDatabase } from './own-database.js';

/**
 * Finds the connections whose instance is registered, without those registered in the last $1 milliseconds; 0 finds
 * all. A connection registered by a clock that was ahead counts as old.
 */
const REGISTERED = `
  select c.connection_id from trunkline.connections c join trunkline.instances i using (instance_id)
   where c.connected_at not between clock_timestamp() - $1 * interval '1 millisecond' and clock_timestamp()
      or $1 = 0`;

/** A connection registered more recently is not taken for a ghost, because its client may not know of it yet. */
const YOUNG_MS = 2_000;

export interface RegistryComparison extends Comparison {
  readonly rows: number;
}

/**
 * Compares the registry with the open sockets. What came or went within `graceMs` may still be on its way to either.
 */
export async function lookAtRegistry(
  database: OwnDatabase,
  sockets: OpenWires,
  graceMs: number,
): Promise<RegistryComparison> {
  const all = await database.query<{ connection_id: string }>(REGISTERED, [0]);
  const settled = await database.query<{ connection_id: string }>(REGISTERED, [YOUNG_MS]);
  const { sockets: open, missing } = sockets.compare(
    all.map((row) => row.connection_id),
    graceMs,
  );
  const { ghosts } = sockets.compare(
    settled.map((row) => row.connection_id),
    graceMs,
  );
  return { rows: all.length, sockets: open, ghosts, missing };
}
