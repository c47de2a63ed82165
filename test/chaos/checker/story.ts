import type { Delivery, Happening, HistoryEvent } from '../history/event.js';
import { check, type Verdict } from './check.js';
import type { Snapshot, StoredRow } from './snapshot.js';

const MINIMUM = { acked: 3, faults: 1 };
export const ANN = 'ann/phone';
export const BOB = 'bob/phone';
const DEVICES = [ANN, BOB];
export const GROUP = 'group:g';

interface Draft {
  channel?: string;
  publisher?: string;
  ttlMs?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A history made by hand. At first it is green; a spec then tells what went otherwise. */
export class Story {
  readonly events: HistoryEvent[] = [];
  readonly rows: Mutable<StoredRow>[] = [];
  readonly positions: Mutable<Snapshot['positions'][number]>[] = [];
  minimum = MINIMUM;
  private at = 0;
  private readonly lastSeqs = new Map<string, number>();

  /**
   * Tells of three messages to a group of two, one of them delivered twice, one published twice; of a fault, and of a
   * comparison of the registry.
   */
  static green(): Story {
    const story = new Story();
    story.tell({ event: 'world', epochMs: 0, groups: { [GROUP]: ['ann', 'bob'] }, devices: DEVICES });
    for (const device of DEVICES) story.connect(device);
    story.publish(1).deliverToAll(1);
    story.begin().end();
    story.invoke(2).tell({ event: 'unknown', n: 2, attempt: 1, why: 'cut' });
    story.invoke(2, {}, 2).store(2).ok(2, 2, true).deliverToAll(2);
    story.publish(3).deliverToAll(3);
    story.tell({ event: 'registry', strike: 1, rows: 2, sockets: 2, ghosts: [], missing: [] });
    story.deliver(ANN, 3, { isFresh: 0 });
    return story;
  }

  tell(happening: Happening, afterMs = 10): this {
    this.at += afterMs;
    this.events.push({ at: this.at, ...happening });
    return this;
  }

  wait(ms: number): this {
    this.at += ms;
    return this;
  }

  connect(device: string, via = 'instance 1'): this {
    this.tell({ event: 'arrive', device, isSlow: false });
    return this.tell({ event: 'open', device, connection: `${device} ${this.at}`, via, positions: { [GROUP]: 0 } });
  }

  begin(more: Partial<Extract<Happening, { event: 'fault-begin' }>> = {}): this {
    return this.tell({
      ...{ event: 'fault-begin', fault: 'kill', strike: 1, detail: 'instance 1', count: 1 },
      ...{ countsFrom: 'publish', recoversWithinMs: 1_000 },
      ...more,
    });
  }

  end(strike = 1): this {
    return this.tell({ event: 'fault-end', strike });
  }

  /** Tells of a publish that is invoked, stored and acknowledged. */
  publish(n: number, draft: Draft = {}): this {
    return this.invoke(n, draft).store(n, draft).ok(n);
  }

  invoke(n: number, { channel = GROUP, publisher = ANN, ttlMs }: Draft = {}, attempt = 1): this {
    const ttl = ttlMs === undefined ? {} : { ttlMs };
    return this.tell({ event: 'invoke', n, attempt, publisher, via: 'instance 1', channel, hash: `hash ${n}`, ...ttl });
  }

  store(n: number, { channel = GROUP, ttlMs }: Draft = {}): this {
    const seq = (this.lastSeqs.get(channel) ?? 0) + 1;
    this.lastSeqs.set(channel, seq);
    const more = { createdAtMs: this.at, expires: ttlMs !== undefined };
    this.rows.push({ channel, seq, id: `id ${n}`, n, hash: `hash ${n}`, ...more });
    return this;
  }

  ok(n: number, attempt = 1, isRepeated = false): this {
    const row = this.row(n);
    return this.tell({ event: 'ok', n, attempt, seq: row.seq, id: row.id, isRepeated });
  }

  refuse(n: number, attempt = 1): this {
    return this.tell({ event: 'refused', n, attempt, code: 4001, isRetryable: true });
  }

  row(n: number): Mutable<StoredRow> {
    const row = this.rows.find((known) => known.n === n);
    if (!row) throw new Error(`${n} is not stored`);
    return row;
  }

  deliver(
    device: string,
    n: number,
    more: { isFresh?: 0 | 1; hash?: string; seq?: number; afterMs?: number } = {},
  ): this {
    const row = this.row(n);
    const { isFresh = 1, hash = row.hash, seq = row.seq, afterMs } = more;
    const delivery: Delivery = [row.channel, seq, n, hash, isFresh];
    return this.tell({ event: 'deliver', device, connection: `${device} 1`, messages: [delivery] }, afterMs);
  }

  deliverToAll(n: number, afterMs?: number): this {
    for (const device of DEVICES) this.deliver(device, n, afterMs === undefined ? {} : { afterMs });
    return this;
  }

  gap(device: string, fromSeq: number, toSeq: number, reason = 'expired'): this {
    return this.tell({ event: 'gap', device, connection: `${device} 1`, channel: GROUP, fromSeq, toSeq, reason });
  }

  forget(isForgotten: (event: HistoryEvent) => boolean): this {
    const kept = this.events.filter((event) => !isForgotten(event));
    this.events.splice(0, this.events.length, ...kept);
    return this;
  }

  get verdict(): Verdict {
    return check(this.events, this.snapshot, this.minimum);
  }

  /** Every finding as `I1: what`. */
  get findings(): string[] {
    return this.verdict.findings.map(({ invariant, what }) => `${invariant}: ${what}`);
  }

  /**
   * The rows that the database would hold if everybody had acknowledged everything, except where `positions` says
   * otherwise.
   */
  private get snapshot(): Snapshot {
    const channels = [...this.lastSeqs].map(([channel, lastSeq]) => ({ channel, lastSeq }));
    const delivered = this.rows.filter(({ channel, expires }) => channel === GROUP && !expires).length;
    const deliveredSeq = this.lastSeqs.get(GROUP) ?? 0;
    const positions = DEVICES.map((device) => ({
      ...{ device, channel: GROUP, deliveredSeq, delivered, pending: 0, expiring: 0 },
      ...this.positions.find((position) => position.device === device),
    }));
    return { messages: this.rows, channels, positions };
  }
}
