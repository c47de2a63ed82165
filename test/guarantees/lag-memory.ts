import { readFile } from 'node:fs/promises';
import { migrate } from '#database';
import { MIGRATIONS } from '../../migrations/index.js';
import { Cluster } from '../support/cluster.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { numbers, publishAll } from './publish.js';

/**
 * By hand, on Linux: `npm run build && node dist/test/guarantees/lag-memory.js [readers] [body bytes]`. What a reader
 * that does not acknowledge costs the server, in KiB of resident memory: the growth while messages pile up behind full
 * windows, with many such readers less that with few, so that what the publishing itself costs falls out.
 */
const [readers = '200', bytes = '1000'] = process.argv.slice(2);
const FEW = 20;
const MESSAGES = 2_000;
const GROUP = 'group:lagging';
/** Garbage would count as memory of the readers; little room leaves little of it. */
const NODE_OPTIONS = '--max-semi-space-size=1 --max-old-space-size=128';

async function residentKiB(server: Server): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

async function connectAll(cluster: Cluster, server: Server, count: number): Promise<TestClient[]> {
  return Promise.all(
    numbers(1, count).map(async (n) => {
      const client = await cluster.connect(server, { user: `reader-${n}`, acknowledges: false });
      await client.must('join', { channel: GROUP });
      return client;
    }),
  );
}

async function measure(url: string, count: number): Promise<number> {
  const cluster = new Cluster(url, { ACK_TIMEOUT_MS: '600000', NODE_OPTIONS });
  try {
    const server = await cluster.start();
    const clients = await connectAll(cluster, server, count);
    const before = await residentKiB(server);
    const bodies = numbers(1, 100).map(() => 'x'.repeat(Number(bytes)));
    for (const _ of numbers(1, MESSAGES / bodies.length)) await publishAll(server, GROUP, bodies);
    const window = Math.min(256, Math.floor(262_144 / (Number(bytes) + 2)));
    // Nothing more is read for a window of which less than half is free.
    const isFull = (): boolean => clients.every(({ raw }) => raw.length > window / 2);
    await until('all windows are full', isFull, 120_000);
    const grown = (await residentKiB(server)) - before;
    process.stdout.write(`${count} readers: ${before} KiB, then +${grown}; sent to each ${clients[0]?.raw.length}\n`);
    return grown;
  } finally {
    await cluster.end();
  }
}

const postgres = await OwnPostgres.start();
try {
  await migrate(postgres.url, MIGRATIONS);
  const few = await measure(postgres.url, FEW);
  const many = await measure(postgres.url, Number(readers));
  process.stdout.write(`KiB a lagging reader: ${((many - few) / (Number(readers) - FEW)).toFixed(1)}\n`);
} finally {
  await postgres.remove();
}
