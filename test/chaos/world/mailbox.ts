import type { Ack, EventPayload } from '#protocol';
import type { Delivery, Happening } from '../history/event.js';
import { hashOf, numberOf } from './body.js';

export type Packet =
  | { readonly kind: 'messages'; readonly payload: EventPayload<'messages'> }
  | { readonly kind: 'gap'; readonly payload: EventPayload<'gap'> };

export interface MailboxOptions {
  readonly device: string;
  readonly record: (happening: Happening) => void;
  /** If false, nothing is dropped, as in a client without dedupe. */
  readonly dedupes: boolean;
}

/** The receiving half of a client as the README describes it: it drops repeats, and remembers how far it is. */
export class Mailbox {
  /** The highest seq of each channel. */
  private readonly last: Record<string, number> = {};

  constructor(private readonly options: MailboxOptions) {}

  get positions(): Ack {
    return { ...this.last };
  }

  /**
   * Takes a message batch or a gap.
   * @returns what to acknowledge
   */
  take(connection: string, packet: Packet): Ack {
    return packet.kind === 'gap' ? this.pass(connection, packet.payload) : this.read(connection, packet.payload);
  }

  private read(connection: string, { messages, ack }: EventPayload<'messages'>): Ack {
    const { device, record, dedupes } = this.options;
    const deliveries = messages.map(({ channel, seq, data }): Delivery => {
      const isFresh = seq > (this.last[channel] ?? 0);
      if (isFresh) this.last[channel] = seq;
      return [channel, seq, numberOf(data), hashOf(data), isFresh || !dedupes ? 1 : 0];
    });
    record({ event: 'deliver', device, connection, messages: deliveries });
    return ack;
  }

  private pass(connection: string, { channel, fromSeq, toSeq, reason, ack }: EventPayload<'gap'>): Ack {
    const { device, record } = this.options;
    this.last[channel] = Math.max(toSeq, this.last[channel] ?? 0);
    record({ event: 'gap', device, connection, channel, fromSeq, toSeq, reason });
    return ack;
  }
}
