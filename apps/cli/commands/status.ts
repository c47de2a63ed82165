import type { Command } from 'commander';
import type { z } from 'zod';
import { readSettings } from '#config';
import type { admin } from '#protocol';
import { Output, table } from '../output.js';
import { RestClient } from '../rest-client.js';

type Status = z.infer<typeof admin.StatusAnswer>;

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('how the cluster is: instances, what waits, what was given up, the jobs; asks the admin REST')
    .option('--json', 'as the server gives it')
    .action(async ({ json = false }: { json?: boolean }) => {
      const status = await new RestClient(readSettings()).admin<Status>('/status');
      new Output(json).tell(status, () => inWords(status));
    });
}

function inWords({ instances, connections, usersOnline, outbox, deadLetters, jobs }: Status): string[] {
  const head = ['INSTANCE', 'STATE', 'CONNECTIONS', 'CHANNELS', 'SINCE'];
  const rows = instances.map((one) => [
    one.instanceId,
    one.state,
    String(one.connections),
    String(one.channels),
    one.startedAt,
  ]);
  const failed = jobs.filter(({ error }) => error !== null);
  return [
    ...table(head, rows),
    '',
    `${connections} connections of ${usersOnline} users`,
    `outbox: ${outbox.due} due (the oldest for ${outbox.oldestDueMs} ms), ${Math.max(0, outbox.waiting - outbox.due)} later, ${outbox.rejected} rejected`,
    `dead letters: ${deadLetters}`,
    failed.length === 0 ? 'jobs: the last run of each went well' : 'jobs whose last run failed:',
    ...failed.map(({ job, finishedAt, error }) => `  ${job} at ${finishedAt}: ${error ?? ''}`),
  ];
}
