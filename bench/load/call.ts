import type { LoadWorker } from './load-worker.js';

export type Method = keyof LoadWorker;
export type Argument<M extends Method> = Parameters<LoadWorker[M]>[0];
export type Result<M extends Method> = Awaited<ReturnType<LoadWorker[M]>>;

export interface Call {
  readonly id: number;
  readonly thread: number;
  readonly method: Method;
  readonly argument: unknown;
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
