import type { ProtocolError } from '#protocol';
import type { Connection } from './connection.js';
import { FlushQueue } from './flush-queue.js';

/** Makes a stand-in that has as much of a connection as the flush queue touches. */
function connection(flush: () => void): { sent: ProtocolError[]; it: Connection } {
  const sent: ProtocolError[] = [];
  return {
    sent,
    it: { flush, transport: { close: (error: ProtocolError) => sent.push(error) } } as unknown as Connection,
  };
}

const turnOfTheLoop = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)));

it('closes the connection whose batch could not be made, for others it goes on', async () => {
  const errors: unknown[] = [];
  const flushQueue = new FlushQueue(
    () => true,
    () => undefined,
    (error) => errors.push(error),
  );
  let flushed = 0;
  const broken = connection(() => {
    throw new RangeError('too deep');
  });
  const fine = connection(() => (flushed += 1));
  flushQueue.add(broken.it);
  flushQueue.add(fine.it);
  await turnOfTheLoop();
  expect(errors).toEqual([new RangeError('too deep')]);
  // The client comes back and resumes at its cursors; if it went on, it would acknowledge what it was never sent.
  expect(broken.sent.map(({ errorName, retryable }) => [errorName, retryable])).toEqual([['UNAVAILABLE', true]]);
  expect([flushed, fine.sent]).toEqual([1, []]);
});
