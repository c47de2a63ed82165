/**
 * Why message n is not handed out any more, or null. A newer message of the same collapse key is looked for by
 * messages_collapse_key_idx, and only if n has one.
 * @param collapses SQL that is false for readers who get every message of a key
 */
export function gone(collapses = 'true'): string {
  return `case
  when n.expires_at <= clock_timestamp()
    then case when n.controls ->> 'cancelled' is null then 'expired' else 'cancelled' end
  when ${collapses} and n.controls ->> 'collapseKey' is not null and exists (
         select from trunkline.messages newer
          where newer.channel = n.channel and newer.controls ->> 'collapseKey' = n.controls ->> 'collapseKey'
            and newer.seq > n.seq and (newer.expires_at is null or newer.expires_at > clock_timestamp()))
    then 'collapsed'
  end`;
}
