import { migrate } from '#database';
import { readFile } from 'node:fs/promises';
import { MIGRATIONS } from '../../migrations/index.js';
import { Cluster } from '../support/cluster.js';
import { OwnPostgres } from '../support/own-postgres.js';
import type { Server } from '../support/server.js';
import type { TestClient } from '../support/test-client.js';
import { until } from '../support/until.js';
import { numbers, publishAll } from './publish.js';

/**
 * By hand: `npm run build && node dist/test/guarantees/lag-memory.js [readers] [body bytes]`. What a reader that has
 * stopped acknowledging costs the server beyond one that keeps up: resident memory, in KiB a reader. On Linux.
 */
const [readers = '200', bytes = '1000'] = process.argv.slice(2);
const MESSAGES = 2_000;
const GROUP = 'group:lagging';

async function residentKiB(server: Server): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

async function measure(url: string, acknowledges: boolean): Promise<number> {
  const cluster = new Cluster(url, { ACK_TIMEOUT_MS: '600000' });
  try {
    const server = await cluster.start();
    const clients: TestClient[] = [];
    for (const n of numbers(1, Number(readers))) {
      const client = await cluster.connect(server, { user: `${acknowledges}-${n}`, acknowledges });
      await client.must('join', { channel: GROUP });
      clients.push(client);
    }
    const before = await residentKiB(server);
    const body = 'x'.repeat(Number(bytes));
    for (const _ of numbers(1, MESSAGES / 100))
      await publishAll(
        server,
        GROUP,
        numbers(1, 100).map(() => body),
      );
    const wanted = acknowledges ? MESSAGES : 1;
    await until('it came', () => clients.every(({ raw }) => raw.length >= wanted), 120_000);
    let [last, at] = [0, performance.now()];
    await until(
      'nothing more comes',
      () => {
        const now = clients.reduce((sum, { raw }) => sum + raw.length, 0);
        if (now !== last) [last, at] = [now, performance.now()];
        return performance.now() - at > 3_000;
      },
      120_000,
    );
    const inFlight = Math.max(...clients.map(({ raw }) => raw.length));
    const grown = (await residentKiB(server)) - before;
    process.stdout.write(`${acknowledges ? 'keeping up' : 'lagging'}: +${grown} KiB, sent to each ${inFlight}\n`);
    return grown;
  } finally {
    await cluster.end();
  }
}

const postgres = await OwnPostgres.start();
try {
  await migrate(postgres.url, MIGRATIONS);
  const live = await measure(postgres.url, true);
  const lagging = await measure(postgres.url, false);
  const each = (grown: number): string => (grown / Number(readers)).toFixed(1);
  process.stdout.write(`KiB a reader: keeping up ${each(live)}, lagging ${each(lagging)}\n`);
} finally {
  await postgres.remove();
}
