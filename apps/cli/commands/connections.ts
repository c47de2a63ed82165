import type { Command } from 'commander';
import type { z } from 'zod';
import { readSettings } from '#config';
import type { admin } from '#protocol';
import { InputError } from '../failure.js';
import { Output, table } from '../output.js';
import { RestClient } from '../rest-client.js';

type Page = z.infer<typeof admin.ConnectionsAnswer>;
type Connection = Page['connections'][number];

interface Options {
  readonly user?: string;
  readonly instance?: string;
  readonly device?: string;
  readonly address?: string;
  readonly limit: string;
  readonly json?: boolean;
}

const PAGE = 500;

export function addConnections(program: Command): void {
  program
    .command('connections')
    .description('who is connected where; asks the admin REST')
    .option('--user <id>', 'only of this user')
    .option('--instance <id>', 'only on this instance')
    .option('--device <id>', 'only of this device')
    .option('--address <address>', 'only from this address')
    .option('--limit <n>', 'how many at most', '100')
    .option('--json', 'as JSON')
    .action(async ({ limit, json = false, ...filter }: Options) => {
      if (!/^[1-9]\d{0,6}$/.test(limit)) throw new InputError('--limit: must be a whole number from 1');
      const found = await readAll(new RestClient(readSettings()), filter, Number(limit));
      new Output(json).tell({ connections: found.connections, isComplete: found.isComplete }, () => inWords(found));
    });
}

async function readAll(
  client: RestClient,
  filter: Omit<Options, 'limit' | 'json'>,
  limit: number,
): Promise<{ connections: Connection[]; isComplete: boolean }> {
  const connections: Connection[] = [];
  let next: string | null | undefined;
  while (next !== null && connections.length < limit) {
    const query = { ...filter, limit: Math.min(PAGE, limit - connections.length), cursor: next };
    const page: Page = await client.admin<Page>('/connections', query);
    connections.push(...page.connections);
    next = page.next;
  }
  return { connections, isComplete: next === null };
}

function inWords({ connections, isComplete }: { connections: Connection[]; isComplete: boolean }): string[] {
  if (connections.length === 0) return ['nobody is connected'];
  const head = ['USER', 'DEVICE', 'INSTANCE', 'CONNECTION', 'ADDRESS', 'SINCE', 'LAST SIGN OF LIFE'];
  const rows = connections.map((one) => [
    one.user,
    one.deviceId,
    one.instanceId,
    one.connectionId,
    one.address ?? '',
    one.connectedAt,
    one.lastHeartbeatAt,
  ]);
  return [...table(head, rows), ...(isComplete ? [] : [`there may be more than ${connections.length}: --limit`])];
}
