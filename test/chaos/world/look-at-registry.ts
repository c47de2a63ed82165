import type { Comparison, OpenSockets } from './open-sockets.js';
import type { OwnDatabase } from './own-database.js';

/** Whose instance is alive, but for those being registered just now; also those registered by a clock that was ahead. */
const REGISTERED = `
  select c.connection_id from trunkline.connections c join trunkline.instances i using (instance_id)
   where c.connected_at not between clock_timestamp() - $1 * interval '1 millisecond' and clock_timestamp()
      or $1 = 0`;

/** The rows an instance that died left behind, even if nobody counts them as connected. */
const YOUNG_MS = 2_000;

export interface RegistryComparison extends Comparison {
  readonly rows: number;
}

/** Compares the registry with the sockets; what came or went within `graceMs` may still be on its way to either. */
export async function lookAtRegistry(
  database: OwnDatabase,
  sockets: OpenSockets,
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
