import type { EventPayload, ProtocolError } from '#protocol';
import type { MessageBatch } from './message-batch.js';

/**
 * The transport sends to one client and is implemented by the edge. Its methods neither throw nor wait: a message that
 * cannot be sent now is stored anyway, and is sent again on the next connection.
 */
export interface ClientTransport {
  ready(payload: EventPayload<'ready'>): void;
  messages(batch: MessageBatch): void;
  gap(payload: EventPayload<'gap'>): void;
  membership(payload: EventPayload<'membership'>): void;
  /** Tells the client why and ends the connection. */
  close(error: ProtocolError): void;
  /** The number of bytes that were handed over and that the network has not taken yet. */
  readonly bufferedBytes: number;
}
