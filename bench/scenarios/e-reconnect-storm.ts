import type { Bench } from '../bench.js';
import { makeBody } from '../load/body.js';
import { MESSAGE_TYPE, type ClientPlan } from '../load/client.js';
import type { LoadGenerator } from '../load/load-generator.js';
import type { RunningSystem } from '../peers/running-system.js';
import { BenchRestClient, type RestMessage } from '../bench-rest-client.js';
import { clientPlans, STORM_CONCURRENCY } from './client-plans.js';
import type { Measurement, Scenario } from './scenario.js';
import { openSystems } from './systems.js';
import { connectPlan, sumChecks } from './traffic.js';

const SIZE = 5_000;
const WAITING = 10;
const BATCH = 1_000;
const CAUGHT_UP = { name: 'all caught up', unit: 's' };

export const reconnectStorm: Scenario = {
  letter: 'e',
  title: `reconnect storm: ${SIZE.toLocaleString('en-US')} clients with ${WAITING} messages waiting each; stock Socket.IO has none and merely connects`,
  metrics: [CAUGHT_UP],
  open(bench) {
    return openSystems(bench, { systems: ['trunkline', 'socketio'], instances: 1 }, async (system) => {
      const load = await bench.startLoad();
      try {
        return await storm(bench, system, load);
      } finally {
        await load.stop();
      }
    });
  },
};

async function storm(bench: Bench, system: RunningSystem, load: LoadGenerator): Promise<Measurement> {
  const clients = clientPlans(bench.nextRun(), SIZE, system.urls, load.threads);
  const connect = (thread: number) => connectPlan(bench, system, clients[thread] ?? [], STORM_CONCURRENCY);
  // Both systems meet their clients once before, so that the storm is one of reconnects.
  await load.each('connect', connect);
  await load.each('disconnect', () => undefined);
  const each = system.wire === 'trunkline' ? WAITING : 0;
  const streams = numberOff(clients);
  if (each > 0)
    await publishAll(new BenchRestClient(system.urls[0] ?? '', bench.apiKey), clients.flat(), streams.flat());
  const times = await load.each('catchUp', (thread) => ({
    connect: connect(thread),
    streams: streams[thread] ?? [],
    each,
  }));
  const sent = streams.flat().map((id) => ({ id, sent: each, refused: [] }));
  const checks = sumChecks(await load.each('check', () => sent));
  await load.each('disconnect', () => undefined);
  return { figures: { [CAUGHT_UP.name]: Math.max(...times) / 1_000 }, checks };
}

/** Gives each client a number. */
function numberOff(clients: readonly (readonly ClientPlan[])[]): number[][] {
  let next = 0;
  return clients.map((list) => list.map(() => next++));
}

async function publishAll(
  rest: BenchRestClient,
  clients: readonly ClientPlan[],
  streams: readonly number[],
): Promise<void> {
  const messages: RestMessage[] = [];
  for (let n = 1; n <= WAITING; n++) {
    clients.forEach(({ user }, index) => {
      messages.push({ channel: `user:${user}`, type: MESSAGE_TYPE, data: makeBody(streams[index] ?? 0, n, 0) });
    });
  }
  for (let from = 0; from < messages.length; from += BATCH) {
    await rest.publish({ messages: messages.slice(from, from + BATCH) });
  }
}
