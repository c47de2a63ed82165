import { statement } from '#database';
import { PAYLOAD_BYTES } from '../hint.js';

const PREFIX = 'trunkline_';

/** Names the NOTIFY channel of an instance, on which it listens. */
export const notifyChannelOf = (instanceId: string): string => PREFIX + instanceId;

/**
 * Sends one NOTIFY to each other instance than $2 that reads any of the channels $1, or several where one would exceed
 * 8,000 bytes; the payloads are those of `encodeHint`. Looking up the readers and telling them is one statement,
 * because each publish waits for it on its way to another instance. Routes are looked up after the append has
 * committed, so a subscriber that wrote its route earlier is found, and one that writes it later reads the message.
 */
export const WAKE_READERS = statement<{ sent: number }>(
  'wake_readers',
  `select count(pg_notify('${PREFIX}' || instance_id, channels)) as sent
     from (select instance_id, string_agg(channel, E'\\n') as channels
             from (select instance_id, channel,
                          sum(length(channel) + 1) over (partition by instance_id order by channel) / ${PAYLOAD_BYTES} as part
                     from trunkline.routes
                    where channel = any ($1::text[]) and instance_id <> $2) as routed
            group by instance_id, part) as hints`,
);

/** Sends each payload of $2 to the instance at the same place of $1. */
export const TELL_INSTANCES = statement<{ sent: number }>(
  'tell_instances',
  `select count(pg_notify('${PREFIX}' || instance_id, payload)) as sent
     from unnest($1::text[], $2::text[]) as hints (instance_id, payload)`,
);

/** Sends payload $2 to all instances but $1. */
export const ANNOUNCE_INSTANCE = statement<{ sent: number }>(
  'announce_instance',
  `select count(pg_notify('${PREFIX}' || instance_id, $2)) as sent from trunkline.instances where instance_id <> $1`,
);
