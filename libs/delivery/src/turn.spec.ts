import type { Fault } from '#protocol';
import type { Connection } from './connection.js';
import { Turn } from './turn.js';

/** Makes a stand-in that has as much of a connection as the flush queue touches. */
function connection(flush: () => void): { sent: Fault[]; it: Connection } {
  const sent: Fault[] = [];
  return { sent, it: { flush, outlet: { close: (fault: Fault) => sent.push(fault) } } as unknown as Connection };
}

const turnOfTheLoop = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)));

it('closes the connection whose packet could not be made, for others it goes on', async () => {
  const errors: unknown[] = [];
  const turn = new Turn(
    () => true,
    () => undefined,
    (error) => errors.push(error),
  );
  let flushed = 0;
  const broken = connection(() => {
    throw new RangeError('too deep');
  });
  const fine = connection(() => (flushed += 1));
  turn.add(broken.it);
  turn.add(fine.it);
  await turnOfTheLoop();
  expect(errors).toEqual([new RangeError('too deep')]);
  // The client comes back and resumes at its cursors; if it went on, it would acknowledge what it was never sent.
  expect(broken.sent.map(({ fault, retryable }) => [fault, retryable])).toEqual([['UNAVAILABLE', true]]);
  expect([flushed, fine.sent]).toEqual([1, []]);
});
