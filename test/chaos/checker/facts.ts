import type { HistoryEvent } from '../history/event.js';
import { DeliveryAudit } from './delivery-audit.js';
import { DeviceBook } from './device-book.js';
import { LatencyAudit } from './latency-audit.js';
import { PublishBook, type Publish } from './publish-book.js';
import { Recipients } from './recipients.js';
import type { Snapshot, StoredRow } from './snapshot.js';
import { StrikeBook } from './strike-book.js';

/** Everything that the invariants are about, gathered from the history in one pass. */
export class Facts {
  readonly recipients = new Recipients();
  readonly publishes = new PublishBook();
  readonly devices = new DeviceBook();
  readonly strikes = new StrikeBook();
  readonly audit = new DeliveryAudit(this.publishes, this.recipients);
  readonly latencies = new LatencyAudit(this.publishes, this.devices);
  /** The latencies stand before the devices, because they need to know how the devices were before an event. */
  private readonly books = [
    this.recipients,
    this.publishes,
    this.strikes,
    this.audit,
    this.latencies,
    this.devices,
  ] as const;
  readonly troubles: string[] = [];
  /** The stored rows by the publish that they hold; more than one row is a fault. */
  readonly stored = new Map<number, StoredRow[]>();

  constructor(
    events: Iterable<HistoryEvent>,
    readonly snapshot: Snapshot,
  ) {
    for (const event of events) this.take(event);
    for (const row of snapshot.messages) {
      const rows = this.stored.get(row.n);
      if (rows) rows.push(row);
      else this.stored.set(row.n, [row]);
    }
  }

  isStored({ n }: Publish): boolean {
    return this.stored.has(n);
  }

  private take(event: HistoryEvent): void {
    if (event.event === 'trouble') this.troubles.push(event.what);
    for (const book of this.books) book.take(event);
  }
}
