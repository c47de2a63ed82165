import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/until.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import { PatientClient } from '../fixtures/patient-client.js';
import { registeredRows } from '../fixtures/registered.js';
import { inEnvironment, type LifecycleEnvironment } from '../fixtures/lifecycle-environment.js';

const SHORT_MS = 10_000;
const LONG_MS = 30_000;
const CLOSED_WITHIN_MS = 5_000;

export const STOP: LifecycleScenario = {
  name: 'stop',
  does: 'SIGSTOP of an instance: 10 s evict nobody; after 30 s it is given up, and fences itself on SIGCONT',
  async run({ clients = 100, note }) {
    return inEnvironment({}, async (environment) => {
      const first = await stopFor(environment, clients, SHORT_MS);
      note('10 s are over');
      const second = await stopFor(environment, clients, LONG_MS);
      const closing = second.closedAfterMs.filter((ms) => ms !== undefined);
      return [
        { what: 'rows lost in 10 s', value: first.rowsBefore - first.rowsAtEnd, atMost: 0 },
        { what: 'sockets lost in 10 s', value: first.closedAfterMs.filter((ms) => ms !== undefined).length, atMost: 0 },
        { what: 'messages that did not come after 10 s', value: clients - first.messages, atMost: 0 },
        { what: 'rows left after 30 s', value: second.rowsAtEnd, atMost: 0 },
        { what: 'messages sent under the lost lease', value: second.messages, atMost: 0 },
        { what: 'sockets still open', value: clients - closing.length, atMost: 0 },
        {
          what: 'SIGCONT to the last socket closed',
          value: Math.max(...closing),
          unit: 'ms',
          atMost: CLOSED_WITHIN_MS,
        },
      ] satisfies Figure[];
    });
  },
};

interface Stopped {
  readonly rowsBefore: number;
  /** The rows at the end of the stop. */
  readonly rowsAtEnd: number;
  /** The messages received after the stop, on the same sockets. */
  readonly messages: number;
  /** When each socket was closed, counted from SIGCONT; undefined if it stays open. */
  readonly closedAfterMs: readonly (number | undefined)[];
}

/** Stops an instance with clients on it, while a peer publishes something to each of them. */
async function stopFor({ fleet, query }: LifecycleEnvironment, count: number, ms: number): Promise<Stopped> {
  const [stopped, peer] = [fleet.at(0), fleet.at(1)];
  const users = Array.from({ length: count }, (_, n) => `patient-${ms}-${n}`);
  const clients = await Promise.all(users.map((user) => PatientClient.connect(stopped.url, user)));
  const rowsBefore = await registeredRows(query, stopped.instanceId);
  stopped.process.kill('SIGSTOP');
  await delay(ms);
  const rowsAtEnd = await registeredRows(query, stopped.instanceId);
  const bodies = users.map((user) => ({ channel: `user:${user}`, type: 'note', data: 1 }));
  await peer.rest('POST', '/v1/messages', { messages: bodies });
  const continuedAt = performance.now();
  stopped.process.kill('SIGCONT');
  const isOver = (): boolean => clients.every(({ messages, closedAtMs }) => messages > 0 || closedAtMs !== undefined);
  await until('each was served or closed', isOver, 2 * CLOSED_WITHIN_MS).catch(() => undefined);
  const closedAfterMs = clients.map(({ closedAtMs }) => closedAtMs && closedAtMs - continuedAt);
  for (const client of clients) client.close();
  return { rowsBefore, rowsAtEnd, messages: clients.reduce((sum, { messages }) => sum + messages, 0), closedAfterMs };
}
