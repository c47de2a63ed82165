import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '#protocol';
import { connectPlainly } from '../support/hostile-settings.js';
import type { Seeded } from '../support/seeded.js';

export interface StormOptions {
  readonly databaseUrl: string;
  /** What a client has received so far; it has to be a member of all {@link STORM_CHANNELS}. */
  readonly received: readonly Message[];
  readonly messages: number;
  readonly writers: number;
  /** A transaction publishes 1 to this many. */
  readonly maxPerTransaction: number;
  readonly random: Seeded;
}

export interface StormResult {
  readonly committed: number;
  readonly rolledBack: number;
  readonly transactions: number;
  readonly received: number;
  readonly skipped: number;
  readonly unexpected: number;
  readonly outOfOrder: number;
  readonly holes: number;
  readonly writeSeconds: number;
  /** From the last commit to the last message. */
  readonly lastAfterMs: number;
}

export const STORM_CHANNELS = Array.from({ length: 8 }, (_, n) => `group:storm-${n}`);

const MAX_SLEEP_MS = 500;
const ROLLBACK_SHARE = 0.1;
const COMPLETE_WITHIN_MS = 60_000;
const PUBLISH_ALL = `
  select trunkline.publish(channel, 'storm', body)
    from unnest($1::text[], $2::jsonb[]) with ordinality as m (channel, body, place) order by place`;

interface Body {
  readonly writer: number;
  readonly transaction: number;
  readonly place: number;
}

interface Tally {
  readonly committed: Set<string>;
  rolledBack: number;
  transactions: number;
  left: number;
}

/** Writers publish in transactions that stay open for a while, so that they commit in an order other than they began. */
export async function runStorm(options: StormOptions): Promise<StormResult> {
  const tally: Tally = { committed: new Set(), rolledBack: 0, transactions: 0, left: options.messages };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: options.writers }, (_, writer) => write(writer, options, tally)));
  const writtenAt = performance.now();
  while (options.received.length < tally.committed.size && performance.now() < writtenAt + COMPLETE_WITHIN_MS) {
    await delay(5);
  }
  const lastAfterMs = Math.round(performance.now() - writtenAt);
  return { ...judge(options.received, tally), writeSeconds: (writtenAt - startedAt) / 1_000, lastAfterMs };
}

async function write(writer: number, options: StormOptions, tally: Tally): Promise<void> {
  const { databaseUrl, maxPerTransaction, random } = options;
  const client = await connectPlainly({ connectionString: databaseUrl });
  try {
    for (let transaction = 0; tally.left > 0; transaction++) {
      const size = Math.min(tally.left, 1 + random.below(maxPerTransaction));
      tally.left -= size;
      const channels = Array.from({ length: size }, () => random.pick(STORM_CHANNELS));
      const bodies = channels.map((_, index) => ({ writer, transaction, place: index }));
      await client.query('begin');
      await client.query(PUBLISH_ALL, [channels, bodies]);
      await delay(random.below(MAX_SLEEP_MS + 1));
      const isKept = !random.chance(ROLLBACK_SHARE);
      await client.query(isKept ? 'commit' : 'rollback');
      tally.transactions += 1;
      if (isKept) bodies.forEach((body, index) => tally.committed.add(`${channels[index]} ${keyOf(body)}`));
      else {
        tally.rolledBack += size;
        tally.left += size;
      }
    }
  } finally {
    await client.end();
  }
}

const keyOf = ({ writer, transaction, place: index }: Body): string => `${writer}/${transaction}/${index}`;

function judge(received: readonly Message[], { committed, rolledBack, transactions }: Tally) {
  const seen = new Set<string>();
  const last = new Map<string, Body & { seq: number }>();
  let [outOfOrder, holes] = [0, 0];
  for (const { channel, seq, data } of received) {
    const body = data as unknown as Body;
    seen.add(`${channel} ${keyOf(body)}`);
    const before = last.get(`${channel} ${body.writer}`);
    if (before && isBefore(body, before)) outOfOrder += 1;
    if (seq !== (last.get(channel)?.seq ?? 0) + 1) holes += 1;
    last.set(`${channel} ${body.writer}`, { ...body, seq });
    last.set(channel, { ...body, seq });
  }
  const skipped = [...committed].filter((key) => !seen.has(key)).length;
  const unexpected = received.length - (committed.size - skipped);
  return {
    committed: committed.size,
    rolledBack,
    transactions,
    received: received.length,
    skipped,
    unexpected,
    outOfOrder,
    holes,
  };
}

function isBefore(one: Body, other: Body): boolean {
  return one.transaction < other.transaction || (one.transaction === other.transaction && one.place < other.place);
}
