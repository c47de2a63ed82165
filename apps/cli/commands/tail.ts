import type { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { readSettings } from '#config';
import { Channel, parse, toJson, type MessageRecord } from '#protocol';
import { InputError } from '../failure.js';
import { Output } from '../output.js';
import { readPage, type Page } from '../read-page.js';
import { OutOfReach, RestClient, type Query } from '../rest-client.js';

interface Options {
  readonly after?: string;
  readonly last: string;
  readonly count?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const EVERY_MS = 500;
const PAGE = 200;

export function addTail(program: Command): void {
  program
    .command('tail')
    .description('print the messages of a channel as they come; reads along and takes them from nobody')
    .argument('<channel>', 'user:<id>, group:<name> or broadcast')
    .option('--last <n>', 'begin with so many that are there already', '0')
    .option('--after <seq>', 'begin behind this seq')
    .option('--count <n>', 'end after so many messages')
    .option('--all', 'also what has expired, was cancelled or collapsed')
    .option('--json', 'each message as JSON, one a line')
    .action(async (name: string, { after, last, count, all = false, json = false }: Options) => {
      const channel = parse(Channel, name);
      const client = new RestClient(readSettings());
      const read = (query: Query): Promise<Page> =>
        readPage(client, channel, all ? { ...query, include: 'gone' } : query);
      const bounds = { last: whole('--last', last), count: count === undefined ? Infinity : whole('--count', count) };
      const fromSeq = after === undefined ? await endOf(read, bounds.last) : whole('--after', after);
      await follow(read, fromSeq, bounds.count, new Output(json));
    });
}

async function endOf(read: (query: Query) => Promise<Page>, last: number): Promise<number> {
  const { lastSeq } = await read({ limit: 1 });
  return Math.max(0, lastSeq - last);
}

async function follow(
  read: (query: Query) => Promise<Page>,
  fromSeq: number,
  count: number,
  output: Output,
): Promise<void> {
  const patiently = patient(read);
  let seq = fromSeq;
  for (let left = count; left > 0;) {
    const { messages, nextAfterSeq } = await patiently({ after: seq, limit: Math.min(PAGE, left) });
    for (const message of messages) output.tell(message, () => [inWords(message)]);
    left -= messages.length;
    seq = nextAfterSeq ?? messages.at(-1)?.seq ?? seq;
    if (nextAfterSeq === null && left > 0) await delay(EVERY_MS);
  }
}

/** Makes reads wait for the server: while it is out of reach they are repeated, and standard error says so once. */
function patient(read: (query: Query) => Promise<Page>): (query: Query) => Promise<Page> {
  return async (query) => {
    for (let hasSaid = false; ; hasSaid = true) {
      try {
        return await read(query);
      } catch (error) {
        if (!(error instanceof OutOfReach)) throw error;
        if (!hasSaid) process.stderr.write(`${error.message}; trying again\n`);
        await delay(EVERY_MS);
      }
    }
  };
}

function inWords({ channel, seq, id, sender, type, data, ended, createdAt }: MessageRecord): string {
  const what = ended ?? toJson(data);
  return `${createdAt} ${channel}#${seq} ${id} ${type} from ${sender ?? 'a back end'}: ${what}`;
}

function whole(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InputError(`${option}: must be a whole number`);
  return Number(text);
}
