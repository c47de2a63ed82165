import { Worker } from 'node:worker_threads';
import type { Answer, Call } from './call.js';

/**
 * Runs the process of the load generator, which passes calls on to its threads and ends with the process that started
 * it.
 */
const threads = Number(process.argv[2]);

const workers = Array.from({ length: threads }, () => {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  worker.on('message', (answer: Answer) => process.send?.(answer));
  worker.on('error', (error) => {
    process.stderr.write(`load generator: ${error.stack ?? error.message}\n`);
    process.exit(1);
  });
  return worker;
});

process.on('message', (call: Call) => workers[call.thread]?.postMessage(call));
process.on('disconnect', () => process.exit(0));
