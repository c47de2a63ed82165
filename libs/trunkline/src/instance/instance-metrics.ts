import { tableSizes } from '#database';
import type { Backlog } from '#message-persistence';
import { Snapshot, throttledWarn, type Meter } from '#observability';
import type { Parts } from './assemble.js';

/**
 * However often the metrics are scraped, the database is asked at most every 30 s. No scrape waits longer than a second
 * for the answer, and an answer of more than two minutes ago is not shown.
 */
const ASKED = { everyMs: 30_000, waitMs: 1_000, keepMs: 120_000 };
const WARN_EVERY_MS = 60_000;

/** Adds the metrics of the instance as a whole, and those that all instances share. */
export function showInstance(meter: Meter, parts: Parts): void {
  if (!meter.isOn) return;
  const { instanceId, lease, notifier, readiness } = parts;
  const gauge = (name: string, help: string, read: () => number | boolean): void =>
    meter.gauge({ name: `trunkline_${name}`, help }, () => Number(read()));
  meter.gauges(
    { name: 'trunkline_instance_info', help: 'Always 1; the label is the id of the instance', label: 'instance_id' },
    () => [[instanceId, 1]],
  );
  gauge('ready', '1 while the instance serves and does not drain', () => readiness.isReady);
  gauge(
    'listening',
    '1 while LISTEN is up; without it messages of other instances are found by polling',
    () => notifier.state === 'listening',
  );
  gauge('lease_held', '1 while the peers count this instance as alive, for all it knows', () => lease.isHeld);
  gauge('peers', 'Other instances at the last beat', () => lease.peers);
  showTables(meter, parts);
}

/** Every instance shows the same figures here: a query over instances should take the maximum. */
function showTables(meter: Meter, { database, backlog, log }: Parts): void {
  const warn = throttledWarn(log, WARN_EVERY_MS);
  const options = { ...ASKED, onError: (error: unknown) => warn('tables not measured for the metrics', error) };
  const sizes = new Snapshot(() => tableSizes(database), options);
  const about = (name: string, help: string) => ({ name: `trunkline_table_${name}`, help, label: 'table' });
  meter.gauges(about('size_bytes', 'Size on disk, indexes included, of all partitions'), async () =>
    ((await sizes.read()) ?? []).map(({ name, bytes }) => [name, bytes] as const),
  );
  meter.gauges(about('partitions', 'Partitions of the tables that have them'), async () =>
    ((await sizes.read()) ?? [])
      .filter((size) => size.partitions > 0)
      .map((size) => [size.name, size.partitions] as const),
  );
  const waiting = new Snapshot(() => backlog.read(), options);
  type Waiting = Awaited<ReturnType<Backlog['read']>>;
  const gauge = (name: string, help: string, pick: (row: Waiting) => number): void =>
    meter.gauge({ name: `trunkline_${name}`, help }, async () => {
      const row = await waiting.read();
      return row && pick(row);
    });
  gauge(
    'undelivered_messages',
    'Messages that devices, online or not, have not acknowledged, expired ones among them; in large tables an estimate from a sample',
    (row) => row.undelivered,
  );
  gauge(
    'outbox_due_messages',
    'Messages published from SQL or due that are not in their channel yet, up to 10000',
    (row) => row.outbox_due,
  );
  gauge('outbox_oldest_due_seconds', 'How long the oldest of them has been waiting', (row) => row.outbox_age_s);
  gauge(
    'outbox_rejected_messages',
    'Messages of the outbox that failed to enter their channel and were put aside with their error, up to 10000',
    (row) => row.outbox_rejected,
  );
  gauge(
    'dead_letter_messages',
    'Messages given up for a device and not requeued, up to 10000',
    (row) => row.dead_letters,
  );
}
