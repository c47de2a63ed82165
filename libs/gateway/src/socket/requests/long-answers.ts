import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InTurn, SocketThrottle } from '../throttle/socket-throttle.js';

/** The most bytes of a long answer: a page of history, and the users of a channel. */
const BYTES = { page: 1_048_576, users: 131_072 } as const;
/** How many answers of a kind are made at once: a page, and as many bytes of answers about presence. */
const LANES = { page: 1, users: BYTES.page / BYTES.users } as const;

const NOTHING = Promise.resolve();

/**
 * Makes the long answers of one connection. In each lane they are made one after the other, so that requests wait in
 * memory and not their answers.
 */
export class LongAnswers {
  private readonly lanes = { page: [] as Promise<unknown>[], users: [] as Promise<unknown>[] };

  constructor(
    private readonly throttle: SocketThrottle,
    private readonly inTurn: InTurn,
  ) {}

  /** Makes an answer. If all lanes of its kind are taken, it comes after the one begun first. */
  make<T>(kind: keyof typeof LANES, work: () => Promise<T>): Promise<T> {
    const lanes = this.lanes[kind];
    const before = lanes.length < LANES[kind] ? NOTHING : lanes.shift();
    const answer = (before ?? NOTHING).then(() => this.throttle.longAnswer(BYTES[kind], this.inTurn, work));
    // The caller gets the error. By the next turn of the event loop the answer has been handed to the network.
    lanes.push(answer.catch(() => undefined).then(() => nextTurn()));
    return answer;
  }
}
