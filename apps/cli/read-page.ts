import type { z } from 'zod';
import type { rest } from '#protocol';
import type { Query, RestClient } from './rest-client.js';

export type Page = z.infer<typeof rest.PageAnswer>;

/**
 * Reads a page of a channel's history with whichever key is configured. Reading makes no device and moves no cursor.
 */
export function readPage(client: RestClient, channel: string, query: Query): Promise<Page> {
  const path = `/channels/${encodeURIComponent(channel)}/messages`;
  return client.hasAdminKey ? client.admin(path, query) : client.api('GET', path, query);
}
