import { EventEmitter } from 'node:events';
import type { AddressedHint } from './hint.js';

/** `listening`: hints arrive · `lost`: they should arrive, and do not for now · `polling`: none ever will. */
export type NotifierState = 'listening' | 'lost' | 'polling';

/** An event for each kind of hint, and two about hearing itself. */
export interface NotifierEvents {
  /** These channels have news: messages, or changes of presence. Any of the names may be made up. */
  channels: [names: readonly string[]];
  /** A session ended, or a user was banned. */
  'sessions-ended': [];
  /** There is a command for this instance. */
  commands: [];
  'peer-joined': [];
  /** Hints arrive from now on. Those of before were not heard, so everything has to be looked at. */
  listening: [];
  /** Hints do not arrive any more, so polls have to find what they would have told of. */
  lost: [];
}

/**
 * Tells other instances that there is something to look at.
 *
 * What a driver guarantees, and what it need not:
 * - A hint is only ever a reason to look. It may be lost, doubled, late, out of order, or invented by a stranger; so
 *   whoever is told only reads what the tables say, and whatever a hint tells of is also found by a poll.
 * - It carries names, never content, because a driver may let strangers listen.
 * - It is sent after what it tells of is committed, so whoever looks finds it.
 * - No instance is told by itself: the caller looks on its own instance without a hint.
 * - While the state is `listening`, a hint normally arrives within milliseconds. After any time in which hints may have
 *   been missed the event `listening` follows, as it does after the start.
 */
export abstract class Notifier extends EventEmitter<NotifierEvents> {
  abstract readonly state: NotifierState;

  /** False while nobody would hear a hint, so that a caller need not make one. It is asked at each publish. */
  abstract readonly hasAudience: boolean;

  /**
   * Tells every other instance that reads one of these channels. It is on the path of each publish, so a driver takes
   * one round trip for finding the readers and telling them. Failing does no harm, but the caller counts it.
   * @returns how many hints were sent
   */
  abstract wakeReaders(channels: readonly string[]): Promise<number>;

  /** Tells the instances named. It resolves when the hints were sent or given up, and never rejects. */
  abstract tell(hints: readonly AddressedHint[]): Promise<void>;

  /** Tells all other instances that this one has joined. It resolves and never rejects, as {@link tell} does. */
  abstract announce(): Promise<void>;
}
