import { statement } from '#database';

export interface ListedConnectionRow {
  user_id: string;
  connection_id: string;
  instance_id: string;
  device_id: string;
  session_id: string | null;
  connected_at: Date;
  last_heartbeat: Date;
  address: string | null;
}

/**
 * Living connections in the order of the primary key, behind user $1 and connection $2, at most $3. A filter that is null
 * lets everything pass: $4 user, $5 instance, $6 device, $7 address. They are looked at row by row; for a user a page
 * begins at its first connection, and reads on through the registry only if there are fewer than $3.
 */
export const LIST_CONNECTIONS = statement<ListedConnectionRow>(
  'list_connections',
  `select c.user_id, c.connection_id, c.instance_id, c.device_id, c.session_id, c.connected_at, c.last_heartbeat, c.address
     from trunkline.connections c join trunkline.instances i using (instance_id)
    where (c.user_id, c.connection_id) > ($1, $2)
      and ($4::text is null or c.user_id = $4) and ($5::text is null or c.instance_id = $5)
      and ($6::text is null or c.device_id = $6) and ($7::text is null or c.address = $7)
    order by c.user_id, c.connection_id limit $3`,
);
