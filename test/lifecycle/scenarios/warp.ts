import type { INestApplicationContext } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { JobRunner, Jobs } from '#cleanup';
import { readSettings } from '#config';
import { Database, migrate } from '#database';
import { Cursors, Devices, MessageLog, type Settlement } from '#message-persistence';
import { createLogger } from '#observability';
import { openCleanup } from '#trunkline';
import type { Query } from '../fixtures/registered.js';
import { WarpedPostgres } from '../fixtures/warped-postgres.js';
import type { Figure, LifecycleScenario } from '../lifecycle-scenario.js';
import { MIGRATIONS } from '../../../migrations/index.js';

/** With a retention of one day, a day of messages is dropped at the beginning of the next day but one. */
const FULL_AFTER_H = 48;
const FLAT_FOR_H = 72;
const DAY_H = 24;
const INSTANCE = 'warp';
const USERS = 200;
const MESSAGES_PER_H = 1_000;
const EXPIRES_MS = 600_000;
const FLAT_PERCENT = 10;

export const WARP: LifecycleScenario = {
  name: 'warp',
  does: '72 hours at retention in minutes (the clock of PostgreSQL is put forward), a fifth of the devices never returning',
  async run({ note }) {
    const warped = await WarpedPostgres.start();
    const { postgres } = warped;
    await migrate(postgres.url, MIGRATIONS);
    const world = await World.open(postgres.url);
    const query: Query = (text, values) => postgres.query(text, values);
    try {
      const sizes: Size[] = [];
      for (let hour = 0; hour < FULL_AFTER_H + FLAT_FOR_H; hour++) {
        await world.live(hour);
        await query('vacuum (analyze)'); // autovacuum goes by the real time, of which little passes
        sizes.push(await sizeOf(query));
        if (hour % DAY_H === DAY_H - 1) note(`hour ${hour + 1}: ${JSON.stringify(sizes.at(-1))}`);
        await warped.putForwardAnHour();
      }
      return figuresOf(sizes);
    } finally {
      await world.end();
      await warped.remove();
    }
  },
};

interface Size {
  readonly tablesKb: number;
  readonly indexesKb: number;
}

/**
 * Compares each hour with the same hour of the day before, because sizes rise within a day, at whose end a day is
 * dropped.
 */
function figuresOf(sizes: readonly Size[]): Figure[] {
  const worst = (of: (size: Size) => number): number =>
    sizes.slice(FULL_AFTER_H + DAY_H).reduce((most, size, index) => {
      const before = sizes[FULL_AFTER_H + index] ?? size;
      return Math.max(most, Math.abs(of(size) / of(before) - 1) * 100);
    }, 0);
  const last = sizes.at(-1);
  return [
    { what: 'tables at the end', value: last?.tablesKb ?? 0, unit: 'KB' },
    { what: 'indexes at the end', value: last?.indexesKb ?? 0, unit: 'KB' },
    {
      what: 'tables: most change against a day before',
      value: worst((size) => size.tablesKb),
      unit: '%',
      atMost: FLAT_PERCENT,
    },
    {
      what: 'indexes: most change against a day before',
      value: worst((size) => size.indexesKb),
      unit: '%',
      atMost: FLAT_PERCENT,
    },
  ];
}

async function sizeOf(query: Query): Promise<Size> {
  const [row] = await query<{ tables: number; indexes: number }>(
    `select (sum(pg_table_size(oid)) / 1024)::int as tables, (sum(pg_indexes_size(oid)) / 1024)::int as indexes
       from pg_class where relnamespace = 'trunkline'::regnamespace and relkind = 'r'`,
  );
  return { tablesKb: row?.tables ?? 0, indexesKb: row?.indexes ?? 0 };
}

/** The stores of one instance, used as its clients would. */
class World {
  private readonly log: MessageLog;
  private readonly devices: Devices;
  private readonly cursors: Cursors;
  private readonly acknowledged = new Map<string, number>();

  private constructor(
    private readonly database: Database,
    private readonly cleanup: INestApplicationContext,
  ) {
    this.log = new MessageLog(database, { maxWaiting: 100_000, deadlineMs: 60_000, dedupeHours: 24 });
    this.devices = new Devices(database);
    this.cursors = new Cursors(database, INSTANCE, 0);
  }

  static async open(url: string): Promise<World> {
    const database = new Database({ url, poolSize: 4, applicationName: INSTANCE, onError: () => undefined });
    const settings = readSettings({ RETENTION_DAYS: '1', IDLE_DEVICE_DAYS: '1' });
    return new World(database, await openCleanup(settings, database, INSTANCE, createLogger('silent')));
  }

  /**
   * Opens the devices of all users who still come, publishes, acknowledges what those users got, and then runs the
   * jobs.
   */
  async live(hour: number): Promise<void> {
    const users = Array.from({ length: USERS }, (_, n) => `user-${n}`);
    const present = hour === 0 ? users : users.filter((_, n) => n % 5 !== 0);
    await Promise.all(present.map((user) => this.devices.open({ user, deviceId: 'phone' })));
    const last = await this.publish(users);
    const settled = present.map((user) => this.settlementOf(user, last.get(user) ?? 0));
    await this.cursors.save(settled);
    for (const job of this.cleanup.get(Jobs).list) await this.cleanup.get(JobRunner).run(job);
  }

  async end(): Promise<void> {
    await this.cleanup.close();
    await this.database.close();
  }

  /**
   * Publishes the messages of an hour.
   * @returns the last seq of each inbox
   */
  private async publish(users: readonly string[]): Promise<Map<string, number>> {
    const last = new Map<string, number>();
    const appends = Array.from({ length: MESSAGES_PER_H }, async (_, n) => {
      const user = users[n % users.length] ?? '';
      const { seq } = await this.log.append({
        channel: `user:${user}`,
        id: uuidv7(),
        publisher: 'api:warp',
        sender: null,
        type: 'note',
        body: JSON.stringify({ text: 'x'.repeat(200) }),
        metadata: null,
        controls: null,
        ttlMs: n % 10 === 0 ? EXPIRES_MS : null,
        publishId: uuidv7(),
      });
      last.set(user, Math.max(last.get(user) ?? 0, seq));
    });
    await Promise.all(appends);
    return last;
  }

  private settlementOf(user: string, toSeq: number): Settlement {
    const fromSeq = (this.acknowledged.get(user) ?? 0) + 1;
    this.acknowledged.set(user, toSeq);
    return {
      user,
      deviceId: 'phone',
      connectionId: `${user}-connection`,
      channel: `user:${user}`,
      fromSeq,
      toSeq,
      attempt: 1,
      ageMs: 1,
      outcome: 'acknowledged',
      error: null,
      isDurable: true,
      wantsReceipts: false,
    };
  }
}
