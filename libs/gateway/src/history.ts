import type { ChannelPage } from '#message-persistence';
import type { Message } from '#protocol';

export interface HistoryPage {
  channel: string;
  messages: Message[];
  lastSeq: number;
  nextAfterSeq: number | null;
}

/** A page without what has expired; undefined is a channel nothing was ever published to. */
export function toHistory(channel: string, afterSeq: number, page: ChannelPage | undefined): HistoryPage {
  if (!page) return { channel, messages: [], lastSeq: 0, nextAfterSeq: null };
  const messages = page.entries.flatMap((entry) => (entry.kind === 'message' ? [entry.stored.message] : []));
  const isMore = page.seq < page.lastSeq && page.seq > afterSeq;
  return { channel, messages, lastSeq: page.lastSeq, nextAfterSeq: isMore ? page.seq : null };
}
