import { statement } from '#database';

const TOLD = `
   select count(*) as ordered,
          (select count(pg_notify('trunkline_' || instance_id, '>')) from (select distinct instance_id from ordered) as i
            where $2::boolean) as told
     from ordered`;

export interface OrderedRow {
  ordered: number;
  /** Instances that a hint was sent to. */
  told: number;
}

const disconnect = (condition: string): string => `
   with ordered as (
     insert into trunkline.instance_orders (instance_id, kind, connection_id)
     select c.instance_id, 'disconnect', c.connection_id
       from trunkline.connections c join trunkline.instances i using (instance_id)
      where ${condition}
      order by c.instance_id, c.connection_id
     on conflict (instance_id, kind, connection_id) do update set ordered_at = excluded.ordered_at
     returning instance_id
   ) ${TOLD}`;

/** Reads the whole registry, which has no index on connections alone: an operator asks for it, rarely. $2: hints are on. */
export const ORDER_DISCONNECT = statement<OrderedRow>('order_disconnect', disconnect('c.connection_id = $1'));

/** Every connection of user $1, by the primary key. */
export const ORDER_DISCONNECT_USER = statement<OrderedRow>('order_disconnect_user', disconnect('c.user_id = $1'));

export const ORDER_DRAIN = statement<OrderedRow>(
  'order_drain',
  `with ordered as (
     insert into trunkline.instance_orders (instance_id, kind)
     select instance_id, 'drain' from trunkline.instances where instance_id = $1
     on conflict (instance_id, kind, connection_id) do update set ordered_at = excluded.ordered_at
     returning instance_id
   ) ${TOLD}`,
);

export interface OrderRow {
  kind: 'disconnect' | 'drain';
  connection_id: string;
  /** Given to a process that held this id before: nobody means it any more. */
  is_stale: boolean;
}

/** Takes this instance's orders out. Finding none is one index probe, and writes nothing. */
export const TAKE_ORDERS = statement<OrderRow>(
  'take_orders',
  `delete from trunkline.instance_orders o where o.instance_id = $1
   returning o.kind, o.connection_id,
             coalesce(o.ordered_at < (select i.enrolled_at from trunkline.instances i where i.instance_id = $1), false) as is_stale`,
);

/** Orders nobody will take: their instance is gone. */
export const REMOVE_LOST_ORDERS = statement<never>(
  'remove_lost_orders',
  `delete from trunkline.instance_orders o
    where not exists (select from trunkline.instances i where i.instance_id = o.instance_id)`,
);
