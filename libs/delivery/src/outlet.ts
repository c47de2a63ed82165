import type { EventPayload, Fault } from '#protocol';
import type { Packet } from './packet.js';

/**
 * The sending side of one connection, implemented by the edge. Its methods neither throw nor wait: a message that
 * cannot be sent now is stored, and goes again with the next connection.
 */
export interface Outlet {
  ready(payload: EventPayload<'ready'>): void;
  messages(packet: Packet): void;
  gap(payload: EventPayload<'gap'>): void;
  membership(payload: EventPayload<'membership'>): void;
  /** Says why and ends the connection. */
  close(fault: Fault): void;
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedBytes: number;
}
