import { statement } from '#database';

/**
 * Sends one NOTIFY to each other instance that reads any of these channels, or several where one would exceed 8,000
 * bytes. Routes are looked up after the append has committed, so a subscriber that wrote its route earlier is found,
 * and one that writes it later reads the message.
 */
export const WAKE_INSTANCES = statement<{ sent: number }>(
  'wake_instances',
  'wake',
  `select count(pg_notify('trunkline_' || instance_id, channels)) as sent
     from (select instance_id, string_agg(channel, E'\\n') as channels
             from (select instance_id, channel,
                          sum(length(channel) + 1) over (partition by instance_id order by channel) / 7300 as part
                     from trunkline.routes
                    where channel = any ($1::text[]) and instance_id <> $2) as routed
            group by instance_id, part) as hints`,
);
