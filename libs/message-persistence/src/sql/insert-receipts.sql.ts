/**
 * Puts a receipt into the sender's inbox for each message of the ranges that asks for one, through the outbox and so in
 * the transaction that moves the cursor: neither is lost without the other. The publish id makes a repeat
 * harmless; any other conflict is a fault to report, or the receipt would be lost.
 * @param ranges rows with channel, from_seq, to_seq, user_id, device_id
 * @param condition what else has to be true of message m and range r
 */
export function insertReceipts(state: 'delivered' | 'read', ranges: string, condition = 'true'): string {
  return `insert into trunkline.outbox (due_at, message_id, channel, publisher, type, body, publish_id)
     select '-infinity', trunkline.message_id(), trunkline.inbox(m.sender), 'trunkline', 'trunkline.receipt',
            json_build_object('state', '${state}', 'id', m.id, 'channel', m.channel, 'seq', m.seq,
                              'user', r.user_id, 'deviceId', r.device_id)::text,
            '${state}:' || m.id || ':' || r.user_id || ':' || r.device_id
       from (${ranges}) as r
       join trunkline.messages m on m.channel = r.channel and m.seq between r.from_seq and r.to_seq
      where m.controls -> 'receipts' ? '${state}' and m.sender is not null and m.sender <> r.user_id
        and ${condition}
         on conflict (channel, publish_id, publisher) where publish_id is not null do nothing`;
}
