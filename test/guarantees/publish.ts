import type { BackendPublish, Published } from '#protocol';
import type { Server } from '../support/server.js';

/** Publishes as a back end, over REST; what a test does not care about is filled in. */
export async function publish(server: Server, request: Partial<BackendPublish>): Promise<Published> {
  const { status, body } = await server.rest('POST', '/v1/messages', { type: 'test', data: 'hello', ...request });
  if (status !== 200) throw new Error(`not published: ${status} ${JSON.stringify(body)}`);
  return body as Published;
}

/** Publishes one message for each body, in order. */
export async function publishAll(server: Server, channel: string, bodies: readonly unknown[]): Promise<void> {
  const messages = bodies.map((data) => ({ channel, type: 'test', data }));
  const { body } = await server.rest('POST', '/v1/messages', { messages });
  const results = body.results as { ok: boolean }[];
  if (!results.every(({ ok }) => ok)) throw new Error(`not all published: ${JSON.stringify(body)}`);
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}
