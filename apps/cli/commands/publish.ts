import type { Command } from 'commander';
import type { z } from 'zod';
import { readSettings } from '#config';
import { BackendPublish, JsonText, parse, type rest } from '#protocol';
import { InputError } from '../failure.js';
import { Output } from '../output.js';
import { RestClient } from '../rest-client.js';

interface Options {
  readonly type: string;
  readonly publishId?: string;
  readonly ttlMs?: string;
  readonly json?: boolean;
}

export function addPublish(program: Command): void {
  program
    .command('publish')
    .description('publish a message as a back end, over REST')
    .argument('<channel>', 'user:<id>, group:<name> or broadcast')
    .argument('<data>', `the body as JSON, e.g. '{"text":"hello"}'`)
    .option('--type <type>', 'what the application calls this kind of message', 'message')
    .option('--publish-id <id>', 'published once, however often it is tried')
    .option('--ttl-ms <ms>', 'how long it may be delivered')
    .option('--json', 'the answer of the server')
    .action(async (channel: string, data: string, { type, publishId, ttlMs, json = false }: Options) => {
      const message = parse(BackendPublish, {
        channel,
        type,
        data: parseJson(data),
        ...(publishId === undefined ? {} : { publishId }),
        ...(ttlMs === undefined ? {} : { ttlMs: Number(ttlMs) }),
      });
      const client = new RestClient(readSettings());
      const answer = await client.api<z.infer<typeof rest.PublishedAnswer>>(
        'POST',
        '/messages',
        {},
        {
          ...message,
          data: new JsonText(data),
        },
      );
      const { id, seq, repeated } = answer;
      new Output(json).tell(answer, () => [
        `${channel}#${seq} ${repeated ? 'was stored before' : 'stored'}; what becomes of it: trunkline why ${id}`,
      ]);
    });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(`data: is not JSON; a string needs its quotes, as in '"hello"'`);
  }
}
