import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';

/**
 * How long an acknowledged publish stays in memory before it is stored. A server that works like this would lose the
 * publishes it keeps in a crash.
 */
const KEPT_MS = 200;

/**
 * Stands between REST publishers and the instances: acknowledges at once, and passes the publish on some time later,
 * once.
 */
export async function acknowledgeEarly(environment: ChaosEnvironment): Promise<() => void> {
  const server = createServer((incoming, outgoing) => void acknowledge(environment, incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  environment.clients.sendRestTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

async function acknowledge(
  { fleet }: ChaosEnvironment,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  outgoing.setHeader('content-type', 'application/json').end(JSON.stringify({ ok: true }));
  setTimeout(() => passOn(fleet.slots[0]?.port, incoming, Buffer.concat(chunks)), KEPT_MS);
}

function passOn(port: number | undefined, { method, url, headers }: IncomingMessage, body: Buffer): void {
  if (port === undefined) return;
  const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => answer.resume());
  // The answer does not matter, because the publisher already has one.
  passed.on('error', () => undefined).end(body);
}
