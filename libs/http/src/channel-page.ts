import type { z } from 'zod';
import type { MessageLog } from '#message-persistence';
import type { rest } from '#protocol';

/** Reads the page of a channel that a query asks for, with what has ended if it asks for that. */
export async function readChannelPage(
  log: MessageLog,
  channel: string,
  { after: afterSeq, before: beforeSeq, from, to, order = 'asc', limit, include }: z.infer<typeof rest.PageQuery>,
): Promise<z.infer<typeof rest.PageAnswer>> {
  const bounds = { afterSeq, beforeSeq, from, to, order, limit };
  const page = await (include === 'gone' ? log.records(channel, bounds) : log.history(channel, bounds));
  return { ok: true, ...page };
}
