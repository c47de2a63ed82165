import { parentPort } from 'node:worker_threads';
import type { Answer, Call } from './call.js';
import { LoadWorker } from './load-worker.js';

/** Runs one thread of the load generator. */
const worker = new LoadWorker();
const port = parentPort;
if (!port) throw new Error('runs as a worker thread of load/main.ts only');

port.on('message', ({ id, method, argument }: Call) => {
  const call = worker[method].bind(worker) as (argument: unknown) => Promise<unknown>;
  call(argument).then(
    (result) => port.postMessage({ id, result } satisfies Answer),
    (error: unknown) => port.postMessage({ id, error: String(error) } satisfies Answer),
  );
});
