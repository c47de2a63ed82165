import type { ClientPlan, Wire } from './client.js';
import type { FlowPlan } from './flow.js';

/** What the threads of the generator are told to do; plain data, since it travels between processes. */
export interface ConnectPlan {
  readonly wire: Wire;
  /** Signs the tokens of trunkline's clients. */
  readonly secret: string;
  readonly usesPublishIds: boolean;
  readonly clients: readonly ClientPlan[];
  /** Connection attempts under way at once, in each thread. */
  readonly concurrency: number;
}

export interface CatchUpPlan {
  readonly connect: ConnectPlan;
  /** Of each client, the stream that waits for it. */
  readonly streams: readonly number[];
  /** Messages of each; 0: connecting is all. */
  readonly each: number;
}

export interface StreamPlan {
  /** Unique in the whole run of the generator. */
  readonly id: number;
  readonly channel: string;
  /** Place of the publishing client among the thread's own. */
  readonly from: number;
}

export interface JoinPlan {
  readonly client: number;
  readonly channel: string;
  readonly as: 'member' | 'subscriber';
}

export interface TrafficPlan {
  readonly streams: readonly StreamPlan[];
  /** For each client of the thread, the streams it should receive. */
  readonly receives: readonly (readonly number[])[];
  readonly flow: FlowPlan;
}

export interface Mark {
  /** `performance.now()` of the thread. */
  readonly atMs: number;
  readonly delivered: number;
  /** Latencies since the last mark, encoded. */
  readonly latencies: string;
  /** The same of the answers to publishes. */
  readonly answers: string;
}

/** What was published, by stream. */
export type Sent = readonly { readonly id: number; readonly sent: number; readonly refused: readonly number[] }[];

export interface Checks {
  readonly expected: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly disordered: number;
  readonly refused: number;
  /** One of the reasons for a refusal. */
  readonly reason?: string;
}
