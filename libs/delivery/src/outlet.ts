import type { EventPayload, Fault } from '#protocol';
import type { Packet } from './packet.js';

/**
 * The transport sends to one client and is implemented by the edge. Its methods neither throw nor wait: a message that
 * cannot be sent now is stored anyway, and is sent again on the next connection.
 */
export interface Outlet {
  ready(payload: EventPayload<'ready'>): void;
  messages(packet: Packet): void;
  gap(payload: EventPayload<'gap'>): void;
  membership(payload: EventPayload<'membership'>): void;
  /** Tells the client why and ends the connection. */
  close(fault: Fault): void;
  /** The number of bytes that were handed over and that the network has not taken yet. */
  readonly bufferedBytes: number;
}
