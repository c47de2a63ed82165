import type { Message } from '#protocol';
import type { SteadyPublisher } from './steady-publisher.js';
import { until } from './until.js';

interface Reader {
  readonly received: readonly Message[];
}

/**
 * Waits until every reader has as many messages of the channel as its publishers, which have stopped and are its only
 * ones, got acknowledged. All readers must have the same messages, each once, in one order that is also each
 * publisher's, without a hole.
 */
export async function expectDelivered(
  channel: string,
  publishers: readonly SteadyPublisher[],
  readers: readonly Reader[],
): Promise<void> {
  const acknowledged = publishers.flatMap((publisher) => publisher.acknowledged);
  const stories = await Promise.all(readers.map((reader) => storyOf(reader, channel, acknowledged.length)));
  const [first = []] = stories;
  expect(first.map(({ data }) => data).toSorted()).toEqual(acknowledged.toSorted());
  expect(first.map(({ seq }) => seq)).toEqual(first.map((_, index) => index + 1));
  for (const publisher of publishers) {
    const own = first.filter(({ sender }) => sender === publisher.user).map(({ data }) => data);
    expect(own).toEqual(publisher.acknowledged);
  }
  for (const story of stories) expect(story).toEqual(first);
}

async function storyOf(reader: Reader, channel: string, length: number): Promise<Message[]> {
  return until(`${length} messages of ${channel} came`, () => {
    const story = reader.received.filter((message) => message.channel === channel);
    return story.length >= length && story;
  });
}
