import type { z } from 'zod';
import type { BackendPublish, Published, rest } from '#protocol';
import type { Server } from '../support/server.js';

type StatusAnswer = z.infer<typeof rest.MessageStatusAnswer>;
type TimelineAnswer = z.infer<typeof rest.TimelineAnswer>;
type BatchAnswer = z.infer<typeof rest.PublishedBatchAnswer>;

/** Publishes as a back end, over REST; what a test does not care about is filled in. */
export async function publish(server: Server, request: Partial<BackendPublish>): Promise<Published> {
  const { status, body } = await server.rest('POST', '/v1/messages', { type: 'test', data: 'hello', ...request });
  if (status !== 200) throw new Error(`not published: ${status} ${JSON.stringify(body)}`);
  return body as Published;
}

/** Publishes one message for each body, in order. */
export async function publishAll(server: Server, channel: string, bodies: readonly unknown[]): Promise<void> {
  const messages = bodies.map((data) => ({ channel, type: 'test', data }));
  const { body } = (await server.rest('POST', '/v1/messages', { messages })) as { body: BatchAnswer };
  if (!body.results.every(({ ok }) => ok)) throw new Error(`not all published: ${JSON.stringify(body)}`);
}

/** What the server says of a stored message; of one that is not there, an answer without `ok`. */
export async function statusOf(server: Server, id: string): Promise<StatusAnswer> {
  return (await server.rest('GET', `/v1/messages/${id}`)).body as StatusAnswer;
}

export async function timelineOf(server: Server, id: string, user?: string): Promise<TimelineAnswer> {
  const query = user === undefined ? '' : `?user=${user}`;
  return (await server.rest('GET', `/v1/messages/${id}/timeline${query}`)).body as TimelineAnswer;
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
