import type { Entry } from '#message-persistence';
import { gap, messages, Reader } from '../../../../test/support/reader.js';
import { seeded } from '../../../../test/support/seeded.js';
import { LiveChannel } from '../live/live-channel.js';
import type { Subscription, SubscriptionState } from './subscription.js';

const WINDOW = 4;
const LIVES = 300;
const STEPS = 60;
const random = seeded();

/** The model says in few words how a subscription has to stand after each operation. */
class Model {
  state: SubscriptionState = 'opening';
  sent = 0;
  acked = 0;
  highest = 0;
  attempt = 1;
  inFlight: number[] = [];

  start(seq: number): void {
    this.state = 'lagging';
    this.sent = this.acked = this.highest = Math.max(seq, this.acked);
  }

  /** @returns false if an entry was left out */
  send(entries: readonly Entry[]): boolean {
    for (const entry of entries) {
      if (entry.seq <= this.sent) continue;
      if ((entry.kind === 'gap' ? entry.fromSeq : entry.seq) > this.sent + 1) return false;
      if (entry.kind === 'message' && this.inFlight.length === WINDOW) return false;
      if (entry.kind === 'message') this.inFlight.push(entry.seq);
      this.sent = entry.seq;
      this.highest = Math.max(this.highest, this.sent);
      if (entry.kind === 'gap' && this.inFlight.length === 0) this.acked = this.sent;
    }
    return true;
  }

  settle(seq: number): void {
    this.inFlight = this.inFlight.filter((sent) => sent > seq);
    this.sent = Math.max(this.sent, seq);
    this.highest = Math.max(this.highest, this.sent);
    this.acked = this.inFlight.length === 0 ? this.sent : seq;
  }

  retry(): void {
    this.state = 'lagging';
    this.inFlight = [];
    this.sent = this.acked;
    this.attempt += 1;
  }
}

type Step = (subscription: Subscription, model: Model) => void;

const STEP: Readonly<Record<string, Step>> = {
  start: (subscription, model) => {
    const seq = random.below(20);
    const start = (): void => subscription.start({ seq, lastSeq: seq + 5, lastAt: undefined });
    if (isAllowed(model.state === 'opening', start)) model.start(seq);
  },
  goLive: (subscription, model) => {
    if (isAllowed(model.state === 'lagging', () => subscription.goLive())) model.state = 'live';
  },
  take: (subscription, model) => {
    const entries = someEntries(model);
    subscription.take(entries, undefined, 0);
    if (model.state === 'live' && !model.send(entries)) model.state = 'lagging';
  },
  takePage: (subscription, model) => {
    const entries = someEntries(model);
    expect(subscription.takePage(entries, undefined, 0)).toBe(model.state === 'lagging' && model.send(entries));
  },
  acknowledge: (subscription, model) => {
    const seq = model.acked - 1 + random.below(8);
    const isNew = model.state !== 'closed' && seq > model.acked && seq <= model.highest;
    expect(subscription.acknowledge(seq)).toBe(isNew);
    if (!isNew) return;
    model.settle(seq);
    model.attempt = 1;
  },
  retry: (subscription, model) => {
    const isReading = model.state === 'live' || model.state === 'lagging';
    if (isAllowed(isReading, () => subscription.retry('late', 0))) model.retry();
  },
  passRepeated: (subscription, model) => {
    if (!subscription.isRepeating || model.inFlight.length > 0) return;
    const deviceSeq = model.acked + random.below(6);
    subscription.passRepeated(deviceSeq);
    if (Math.min(deviceSeq, model.highest) <= model.acked) return;
    model.sent = model.acked = Math.min(deviceSeq, model.highest);
    model.attempt = 1;
  },
  passOver: (subscription, model) => {
    const seq = model.acked + random.below(3);
    const isNext = model.state !== 'closed' && seq === model.acked + 1;
    expect(subscription.passOver(seq)).toBe(isNext);
    if (!isNext) return;
    model.acked = seq;
    model.sent = Math.max(model.sent, seq);
    model.highest = Math.max(model.highest, seq);
  },
  close: (subscription, model) => {
    if (!random.chance(0.1)) return;
    subscription.close('left');
    model.state = 'closed';
    model.inFlight = [];
  },
};

describe('The states of a subscription', () => {
  it(`are those of the model after any operations, and others are refused (seed ${random.seed})`, () => {
    const seen = new Set<string>();
    for (let life = 0; life < LIVES; life++) for (const transition of live()) seen.add(transition);
    expect([...seen].sort()).toEqual([
      'lagging → closed',
      'lagging → live',
      'live → closed',
      'live → lagging',
      'opening → closed',
      'opening → lagging',
    ]);
  });
});

/** Lives one life of random operations. @returns the transitions that it went through */
function live(): string[] {
  const reader = new Reader({ messages: WINDOW });
  const subscription = reader.subscribe(new LiveChannel('a'));
  const model = new Model();
  const names: string[] = [];
  const transitions: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    const name = random.pick(Object.keys(STEP));
    const before = subscription.state;
    names.push(name);
    STEP[name]?.(subscription, model);
    if (subscription.state !== before) transitions.push(`${before} → ${subscription.state}`);
    expect({ ...shown(subscription), inFlight: reader.connection.window.size, names }).toEqual({
      ...{ state: model.state, sent: model.sent, acked: model.acked, highest: model.highest },
      ...{ attempt: model.attempt, inFlight: model.inFlight.length, names },
    });
  }
  return transitions;
}

function shown({ state, sentSeq, ackedSeq, highestSeq, attempt }: Subscription) {
  return { state, sent: sentSeq, acked: ackedSeq, highest: highestSeq, attempt };
}

/** Does what is expected to be legal or to throw. @returns whether it was legal */
function isAllowed(isLegal: boolean, act: () => void): boolean {
  if (isLegal) act();
  else expect(act).toThrow('a subscription is');
  return isLegal;
}

/** Makes entries that mostly continue what was sent, sometimes overlap it, and sometimes leave a hole. */
function someEntries({ sent }: Model): Entry[] {
  const first = Math.max(1, sent + 1 + random.pick([-1, 0, 0, 0, 0, 0, 1]));
  return Array.from({ length: random.below(4) }, (_, index) => first + index).flatMap((seq) =>
    seq % 5 === 0 ? [gap(seq, seq)] : messages('a', [seq]),
  );
}
