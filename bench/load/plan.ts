import type { ClientPlan, Wire } from './client.js';
import type { FlowPlan } from './flow.js';

/**
 * The clients that a thread of the generator connects. Like all plans it is plain data, since it travels between
 * processes.
 */
export interface ConnectPlan {
  readonly wire: Wire;
  /** Signs the tokens of Trunkline's clients. */
  readonly secret: string;
  readonly usesPublishIds: boolean;
  readonly clients: readonly ClientPlan[];
  /** The number of connection attempts that are under way at once, in each thread. */
  readonly concurrency: number;
}

export interface CatchUpPlan {
  readonly connect: ConnectPlan;
  /** The stream that waits for each client. */
  readonly streams: readonly number[];
  /** The number of messages that wait for each client. With 0 only the time to connect is measured. */
  readonly each: number;
}

export interface StreamPlan {
  /** Unique in the whole run of the generator. */
  readonly id: number;
  readonly channel: string;
  /** Index of the publishing client among those of the thread. */
  readonly from: number;
}

export interface JoinPlan {
  readonly client: number;
  readonly channel: string;
  readonly as: 'member' | 'subscriber';
}

export interface TrafficPlan {
  readonly streams: readonly StreamPlan[];
  /** Lists for each client of the thread the streams that it should receive. */
  readonly receives: readonly (readonly number[])[];
  readonly flow: FlowPlan;
}

export interface Mark {
  /** The time of the mark, in `performance.now()` of the thread. */
  readonly atMs: number;
  readonly delivered: number;
  /** The latencies of deliveries since the last mark, encoded. */
  readonly latencies: string;
  /** The latencies of answers to publishes since the last mark, encoded. */
  readonly answers: string;
}

/** The numbers published in each stream. */
export type Sent = readonly { readonly id: number; readonly sent: number; readonly refused: readonly number[] }[];

export interface Checks {
  readonly expected: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly disordered: number;
  readonly refused: number;
  /** The reason for one of the refusals. */
  readonly reason?: string;
}
