import type { HistoryEvent } from '../history/event.js';
import { Offences } from './finding.js';
import type { PublishBook } from './publish-book.js';
import type { Recipients } from './recipients.js';

/** Checks for every single delivery that it was published like this, and that it was meant for this device. */
export class DeliveryAudit {
  readonly invented = new Offences();
  readonly leaked = new Offences();

  constructor(
    private readonly publishes: PublishBook,
    private readonly recipients: Recipients,
  ) {}

  /** One pass over the history is enough, because a publish is invoked before it can arrive. */
  take(event: HistoryEvent): void {
    if (event.event !== 'deliver') return;
    const { device, messages, at } = event;
    for (const [channel, seq, n, hash] of messages) {
      const publish = this.publishes.all.get(n);
      const where = `${channel}#${seq} to ${device} at ${at} ms`;
      if (publish?.channel !== channel || publish.hash !== hash) this.invented.add(where);
      if (!this.recipients.of(channel).has(device)) this.leaked.add(where);
    }
  }
}
