import { statement } from '#database';

export interface ConnectionRow {
  connection_id: string;
  instance_id: string;
  device_id: string;
  connected_at: Date;
  address: string | null;
}

/** Finds the living connections of a user. A connection is alive if its row exists and its instance is registered. */
export const FIND_CONNECTIONS = statement<ConnectionRow>(
  'find_connections',
  'work',
  `select c.connection_id, c.instance_id, c.device_id, c.connected_at, c.address
     from trunkline.connections c join trunkline.instances i using (instance_id)
    where c.user_id = $1 order by c.connected_at limit 1000`,
);

/** Finds the devices of these users that have a living connection. */
export const FIND_ONLINE_DEVICES = statement<{ user_id: string; device_id: string }>(
  'find_online_devices',
  'work',
  `select distinct c.user_id, c.device_id
     from trunkline.connections c join trunkline.instances i using (instance_id)
    where c.user_id = any ($1::text[])`,
);
