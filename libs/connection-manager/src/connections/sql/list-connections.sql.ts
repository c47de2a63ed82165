import { statement } from '#database';
import type { ConnectionRow } from './find-connections.sql.js';

export interface ListedConnectionRow extends ConnectionRow {
  user_id: string;
  session_id: string | null;
  last_heartbeat: Date;
}

const list = (where: string): string => `
  select c.user_id, c.connection_id, c.instance_id, c.device_id, c.session_id, c.connected_at, c.last_heartbeat, c.address
    from trunkline.connections c join trunkline.instances i using (instance_id)
   where ${where}
     and ($4::text is null or c.instance_id = $4) and ($5::text is null or c.device_id = $5)
     and ($6::text is null or c.address = $6)
   order by c.user_id, c.connection_id limit $3`;

/**
 * Lists at most $3 living connections in the order of the primary key, after user $1 and connection $2. The filters $4
 * instance, $5 device and $6 address are applied row by row; one that is null lets everything pass.
 */
export const LIST_CONNECTIONS = statement<ListedConnectionRow>(
  'list_connections',
  list('(c.user_id, c.connection_id) > ($1, $2)'),
);

/** Lists the living connections of user $1 alone, by a prefix of the primary key. */
export const LIST_CONNECTIONS_OF = statement<ListedConnectionRow>(
  'list_connections_of',
  list('c.user_id = $1 and c.connection_id > $2'),
);
