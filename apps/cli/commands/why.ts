import type { Command } from 'commander';
import { z } from 'zod';
import { readSettings } from '#config';
import { Channel, UserId, parse, type rest } from '#protocol';
import { Failure, InputError } from '../failure.js';
import { Output } from '../output.js';
import { RestClient } from '../rest-client.js';
import { readPage } from '../read-page.js';

type Timeline = z.infer<typeof rest.Timeline>;
type Delivery = Timeline['deliveries'][number];

const MessageId = z.uuid(
  'a message is named by the id that publish answered, like 01963e1c-7a30-7b4e-9f64-2c8d1d1f7a10, or by its channel and seq, like user:ann#7',
);

export function addWhy(program: Command): void {
  program
    .command('why')
    .description('what became of a message for each device, and why it did not arrive')
    .argument('<message>', 'the id that the publish answered, or its place as <channel>#<seq>')
    .option('--user <id>', 'only this user, also if the message is not for it')
    .option('--json', 'the timeline as the server gives it')
    .action(async (name: string, { user, json = false }: { user?: string; json?: boolean }) => {
      const place = placeOf(name);
      const query = { user: user === undefined ? undefined : parse(UserId, user) };
      const client = new RestClient(readSettings());
      const message = place ? await idAt(client, place) : parse(MessageId, name);
      // An operator may have no key of a back end, and a back end none of an operator; each of the two keys is enough.
      const timeline = client.hasAdminKey
        ? await client.admin<Timeline>(`/messages/${message}`, query)
        : await client.api<Timeline>('GET', `/messages/${message}/timeline`, query);
      new Output(json).tell(timeline, () => inWords(timeline));
    });
}

interface Place {
  readonly channel: string;
  readonly seq: number;
}

/** Reads a place such as `user:ann#7`; the result is undefined for any other text. */
function placeOf(name: string): Place | undefined {
  const [, channel, seq] = /^([^#]+)#(\d{1,15})$/.exec(name) ?? [];
  return channel === undefined ? undefined : { channel: parse(Channel, channel), seq: Number(seq) };
}

async function idAt(client: RestClient, { channel, seq }: Place): Promise<string> {
  if (seq === 0) throw new InputError(`${channel}#0: the first message of a channel is #1`);
  const bounds = { after: seq - 1, before: seq + 1, limit: 1, include: 'gone' };
  const { messages, lastSeq } = await readPage(client, channel, bounds);
  if (messages[0]) return messages[0].id;
  const last = lastSeq === 0 ? 'nothing was ever published to it; is its name right?' : `its last is seq ${lastSeq}`;
  const why = seq > lastSeq ? last : 'it was removed by retention';
  throw new Failure(`there is no ${channel}#${seq}: ${why}`);
}

function inWords({ message, forNobody, deliveries }: Timeline): string[] {
  const { channel, seq, id, type, sender, createdAt, expiresAt } = message;
  const by = sender === null ? 'a back end' : sender;
  const until = expiresAt === undefined ? '' : `, to be delivered until ${expiresAt}`;
  const head = `${channel}#${seq} (${id}), ${type}, published ${createdAt} by ${by}${until}`;
  if (forNobody) return [head, `  for nobody: ${forNobody.cause}: ${forNobody.reason}`];
  return [head, ...deliveries.flatMap(tell)];
}

function tell({ user, deviceId, status, cause, reason, attempts }: Delivery): string[] {
  const who = deviceId === null ? user : `${user} on ${deviceId}`;
  const short = cause === status ? status : `${status}, ${cause}`;
  return [`  ${who}: ${short}: ${reason}`, ...attempts.map(tellAttempt)];
}

function tellAttempt(one: Delivery['attempts'][number]): string {
  const { attempt, sentAt, settledAt, instanceId, connectionId, outcome, error } = one;
  const end = outcome === 'sent' ? 'its acknowledgement is awaited' : `${outcome} at ${settledAt}`;
  const why = error === null ? '' : ` (${error})`;
  return `    attempt ${attempt} on ${instanceId}, connection ${connectionId}: sent at ${sentAt}, ${end}${why}`;
}
