/**
 * Why message n is not handed out any more, or null. A newer message of the same collapse key is looked for by
 * messages_collapse_key_idx, and only if n has one.
 */
export const GONE = `case
  when n.expires_at <= clock_timestamp()
    then case when n.controls ->> 'cancelled' is null then 'expired' else 'cancelled' end
  when n.controls ->> 'collapseKey' is not null and exists (
         select from trunkline.messages newer
          where newer.channel = n.channel and newer.controls ->> 'collapseKey' = n.controls ->> 'collapseKey'
            and newer.seq > n.seq and (newer.expires_at is null or newer.expires_at > clock_timestamp()))
    then 'collapsed'
  end`;
