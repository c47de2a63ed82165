import { statement } from '#database';

const ORDERED = `select count(*) as ordered, array(select distinct instance_id from ordered) as instances from ordered`;

export interface SentCommandRow {
  ordered: number;
  /** The instances that have to execute it. */
  instances: string[];
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
   ) ${ORDERED}`;

/**
 * Commands that connection $1 be closed. It reads the whole registry, which has no index on connections alone, because
 * operators ask for it rarely.
 */
export const SEND_DISCONNECT = statement<SentCommandRow>('send_disconnect', disconnect('c.connection_id = $1'));

/** Commands that every connection of user $1 be closed, by the primary key. */
export const SEND_DISCONNECT_USER = statement<SentCommandRow>('send_disconnect_user', disconnect('c.user_id = $1'));

export const SEND_DRAIN = statement<SentCommandRow>(
  'send_drain',
  `with ordered as (
     insert into trunkline.instance_orders (instance_id, kind)
     select instance_id, 'drain' from trunkline.instances where instance_id = $1
     on conflict (instance_id, kind, connection_id) do update set ordered_at = excluded.ordered_at
     returning instance_id
   ) ${ORDERED}`,
);

export interface CommandRow {
  kind: 'disconnect' | 'drain';
  connection_id: string;
  /** True for a command to an earlier process that had this id, which must not be executed any more. */
  is_stale: boolean;
}

/** Takes out the commands for this instance. Finding none is one index probe, and writes nothing. */
export const TAKE_COMMANDS = statement<CommandRow>(
  'take_commands',
  `delete from trunkline.instance_orders o where o.instance_id = $1
   returning o.kind, o.connection_id,
             coalesce(o.ordered_at < (select i.enrolled_at from trunkline.instances i where i.instance_id = $1), false) as is_stale`,
);

/** Deletes commands whose instance is gone, because nobody will take them. */
export const REMOVE_LOST_COMMANDS = statement<never>(
  'remove_lost_commands',
  `delete from trunkline.instance_orders o
    where not exists (select from trunkline.instances i where i.instance_id = o.instance_id)`,
);
