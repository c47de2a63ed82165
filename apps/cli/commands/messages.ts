import type { Command } from 'commander';
import type { z } from 'zod';
import { readSettings } from '#config';
import type { admin } from '#protocol';
import { InputError } from '../failure.js';
import { Output, table } from '../output.js';
import { RestClient } from '../rest-client.js';

type Page = z.infer<typeof admin.MessagesAnswer>;
type Message = Page['messages'][number];

interface Filter {
  readonly sender?: string;
  readonly recipient?: string;
  readonly channel?: string;
  readonly from?: string;
  readonly to?: string;
  readonly state?: string;
}
type Options = Filter & { readonly limit: string; readonly json?: boolean };

export function addMessages(program: Command): void {
  program
    .command('messages')
    .description('finds messages, those of the last hour unless a time is given; asks the admin REST')
    .option('--sender <user>', 'only what this user published')
    .option('--recipient <user>', 'only what is for this user')
    .option('--channel <channel>', 'only of this channel')
    .option('--from <time>', 'published then or later, at most 24 hours before --to')
    .option('--to <time>', 'published before')
    .option('--state <state>', 'queued, sent, delivered, read, expired, … for the recipient')
    .option('--limit <n>', 'how many at most', '100')
    .option('--json', 'as JSON')
    .action(async ({ limit, json = false, ...filter }: Options) => {
      if (!/^[1-9]\d{0,4}$/.test(limit)) throw new InputError('--limit: must be a whole number from 1 to 99999');
      const found = await readAll(new RestClient(readSettings()), filter, Number(limit));
      new Output(json).tell(found, () => inWords(found));
    });
}

interface Found {
  readonly messages: Message[];
  readonly isComplete: boolean;
}

async function readAll(client: RestClient, filter: Filter, limit: number): Promise<Found> {
  // Every page is asked for with the same bounds; otherwise "the last hour" would move on between two pages.
  const to = filter.to ?? new Date().toISOString();
  const messages: Message[] = [];
  let next: string | null | undefined;
  while (next !== null && messages.length < limit) {
    const query = { ...filter, to, limit: Math.min(500, limit - messages.length), cursor: next };
    const page: Page = await client.admin<Page>('/messages', query);
    messages.push(...page.messages);
    next = page.next;
  }
  return { messages, isComplete: next === null };
}

function inWords({ messages, isComplete }: Found): string[] {
  if (messages.length === 0) return ['no message found; without --from, only the last hour is looked at'];
  const rows = messages.map(({ createdAt, channel, seq, id, type, sender, ended }) => [
    createdAt,
    `${channel}#${seq}`,
    id,
    type,
    sender ?? 'a back end',
    ended ?? '',
  ]);
  const more = isComplete ? [] : [`there may be more than ${messages.length}: --limit`];
  return [...table(['PUBLISHED', 'MESSAGE', 'ID', 'TYPE', 'SENDER', 'ENDED'], rows), ...more];
}
