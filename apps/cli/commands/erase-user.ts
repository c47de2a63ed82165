import type { Command } from 'commander';
import { readSettings } from '#config';
import { UserId, parse } from '#protocol';
import { Output } from '../output.js';
import { RestClient } from '../rest-client.js';

interface Answer {
  readonly isDone: boolean;
  readonly rows: number;
}

interface EraseOptions {
  readonly anonymizeSent?: boolean;
  readonly json?: boolean;
}

export function addEraseUser(program: Command): void {
  program
    .command('erase-user')
    .description('erase a user for good: all that is stored of it and for it, on a server, with an admin key')
    .argument('<user>', 'the user id, the sub of its tokens')
    .option('--anonymize-sent', 'keep what it sent to others, without its name')
    .option('--json', 'as JSON: user, rows')
    .action(async (given: string, { anonymizeSent = false, json = false }: EraseOptions) => {
      const user = parse(UserId, given);
      const client = new RestClient(readSettings());
      const query = { sent: anonymizeSent ? 'anonymize' : 'remove' };
      const ask = () => client.admin<Answer>(`/users/${encodeURIComponent(user)}`, query, 'DELETE');
      let answer = await ask();
      while (!answer.isDone) answer = await ask();
      new Output(json).tell({ user, rows: answer.rows }, () => [`erased ${user}: ${answer.rows} rows`]);
    });
}
