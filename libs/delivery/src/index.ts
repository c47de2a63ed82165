export type { MessageBatch } from './packet.js';
export type { Connection } from './connection.js';
export { Delivery } from './delivery.js';
export type { ClientTransport } from './outlet.js';
export type { Author, Outgoing } from './outgoing.js';
export { Timelines, toAttempt, type Timeline } from './timeline.js';
