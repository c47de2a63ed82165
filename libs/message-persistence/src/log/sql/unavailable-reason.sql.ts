/**
 * SQL for the reason why message n is not handed out any more; null means that it is. A cancelled message stays
 * cancelled, whatever the clock says by now, because the clock may have been ahead when it ended the message. A newer
 * message of the same collapse key and publisher is looked for by messages_collapse_key_idx, and only if n has a key.
 * @param collapses SQL that is false for readers who get every message of a key
 */
export function unavailableReason(collapses = 'true'): string {
  return `case
  when n.controls ->> 'cancelled' is not null then 'cancelled'
  when n.expires_at <= clock_timestamp() then 'expired'
  when ${collapses} and n.controls ->> 'collapseKey' is not null and exists (
         select from trunkline.messages newer
          where newer.channel = n.channel and newer.controls ->> 'collapseKey' = n.controls ->> 'collapseKey'
            and newer.controls ->> 'collapseBy' is not distinct from n.controls ->> 'collapseBy'
            and newer.seq > n.seq and newer.controls ->> 'cancelled' is null
            and (newer.expires_at is null or newer.expires_at > clock_timestamp()))
    then 'collapsed'
  end`;
}

/**
 * SQL that is 'withheld' or 'taken' if message n is not for this recipient, and otherwise null. 'withheld' follows the
 * rule of `isWithheld` in delivery-options.ts. 'taken' means that the message is for one device alone and that this device did
 * not claim it, by claims_pkey. Only messages with delivery options are looked at, and few have any.
 */
export function withheld(user: string, device: string, connection: string): string {
  return `case
  when n.controls is null or ${user} is null then null
  when n.controls ->> 'exceptUser' = ${user} or n.controls ->> 'exceptConnection' = ${connection}
       or (n.controls #>> '{exceptDevice,user}' = ${user} and n.controls #>> '{exceptDevice,deviceId}' = ${device})
    then 'withheld'
  when n.controls ->> 'deliverTo' = 'first-device' and not exists (
         select from trunkline.claims k
          where k.channel = n.channel and k.seq = n.seq and k.user_id = ${user} and k.device_id = ${device})
    then 'taken'
  end`;
}
