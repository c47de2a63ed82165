export type { ClientTransport } from './connection/client-transport.port.js';
export type { Connection } from './connection/connection.js';
export type { MessageBatch } from './connection/message-batch.js';
export { Delivery } from './delivery.js';
export { Timelines, toAttempt, type Timeline } from './explain/timeline.js';
export type { Author, Outgoing } from './outgoing.js';
