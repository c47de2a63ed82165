import type { Command } from 'commander';
import { z } from 'zod';
import { readSettings } from '#config';
import { UserId, parse, type rest } from '#protocol';
import { Output } from '../output.js';
import { RestClient } from '../rest-client.js';

type Timeline = z.infer<typeof rest.Timeline>;
type Delivery = Timeline['deliveries'][number];

const MessageId = z.uuid('a message id is what publish answered, like 01963e1c-7a30-7b4e-9f64-2c8d1d1f7a10');

export function addWhy(program: Command): void {
  program
    .command('why')
    .description('what became of a message for each device, and why it did not arrive')
    .argument('<message-id>', 'the id that the publish answered')
    .option('--user <id>', 'only this user, also if the message is not for it')
    .option('--json', 'the timeline as the server gives it')
    .action(async (id: string, { user, json = false }: { user?: string; json?: boolean }) => {
      const message = parse(MessageId, id);
      const query = { user: user === undefined ? undefined : parse(UserId, user) };
      const client = new RestClient(readSettings());
      // Operators may have no key of a back end, and back ends none of an operator: both may know.
      const timeline = client.hasAdminKey
        ? await client.admin<Timeline>(`/messages/${message}`, query)
        : await client.api<Timeline>('GET', `/messages/${message}/timeline`, query);
      new Output(json).tell(timeline, () => inWords(timeline));
    });
}

function inWords({ message, deliveries }: Timeline): string[] {
  const { channel, seq, type, sender, createdAt, expiresAt } = message;
  const by = sender === null ? 'a back end' : sender;
  const until = expiresAt === undefined ? '' : `, to be delivered until ${expiresAt}`;
  const head = `${channel}#${seq}, ${type}, published ${createdAt} by ${by}${until}`;
  return [head, ...(deliveries.length === 0 ? [forNobody(channel)] : deliveries.flatMap(tell))];
}

function forNobody(channel: string): string {
  const why = channel === 'broadcast' ? 'no user has a device' : `${channel} had no members when it was published`;
  return `  for nobody: ${why}; --user <id> says why not for a certain user`;
}

function tell({ user, deviceId, status, cause, reason, attempts }: Delivery): string[] {
  const who = deviceId === null ? user : `${user} on ${deviceId}`;
  const short = cause === status ? status : `${status}, ${cause}`;
  return [`  ${who}: ${short}: ${reason}`, ...attempts.map(tellAttempt)];
}

function tellAttempt(one: Delivery['attempts'][number]): string {
  const { attempt, sentAt, instanceId, connectionId, outcome, error } = one;
  const end = error === null ? outcome : `${outcome} (${error})`;
  return `    attempt ${attempt} at ${sentAt} on ${instanceId}, connection ${connectionId}: ${end}`;
}
