import { statement } from '#database';

export interface InstanceRow {
  instance_id: string;
  started_at: Date;
  lease_expires_at: Date;
  is_lease_over: boolean;
  draining: boolean;
  connections: number;
  routes: number;
}

/** Lists every instance and what it holds. It counts the whole registry, so it is only for operators. */
export const LIST_INSTANCES = statement<InstanceRow>(
  'list_instances',
  'work',
  `select i.instance_id, i.started_at, i.lease_expires_at, i.lease_expires_at < clock_timestamp() as is_lease_over,
          i.draining, coalesce(c.connections, 0) as connections, coalesce(r.routes, 0) as routes
     from trunkline.instances i
     left join (select instance_id, count(*) as connections from trunkline.connections group by instance_id) as c
       using (instance_id)
     left join (select instance_id, count(*) as routes from trunkline.routes group by instance_id) as r
       using (instance_id)
    order by i.started_at, i.instance_id limit 1000`,
);

/** Counts the users who are online. */
export const COUNT_ONLINE = statement<{ users: number }>(
  'count_online',
  'work',
  'select count(*) as users from trunkline.online_users',
);

/** Finds the living instances that read channel $1, by the primary key. */
export const FIND_READERS = statement<{ instance_id: string }>(
  'find_readers',
  'work',
  `select instance_id from trunkline.routes join trunkline.instances using (instance_id)
    where channel = $1 order by instance_id limit 1000`,
);
