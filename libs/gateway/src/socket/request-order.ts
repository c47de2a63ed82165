import type { RequestName } from '#protocol';

/** What a request waits for and what waits for it, as names of things that requests change. */
interface Place {
  /** It takes effect behind the requests that hold one of these. */
  readonly waits: readonly string[];
  /** It holds these until it has taken effect. */
  readonly holds: readonly string[];
}

/** The token's grants, and whether there still is a session: everything waits for a change of these. */
const RIGHTS = 'rights';
/** Held by every request that goes through here, so that a change of the rights comes behind all of them. */
const ANYTHING = 'anything';
/** The groups of the user, on which it depends whose presence it may see. */
const MEMBERSHIPS = 'memberships';
/** Requests about presence that may still have to find out whether they are allowed. */
const PRESENCE = 'presence';

/** A table of which requests keep their order: two of them do where one waits for what the other holds. */
const PLACES: { readonly [N in RequestName]: (channel: string) => Place } = {
  publish: aboutChannel,
  schedule: aboutChannel,
  history: aboutChannel,
  subscribe: aboutChannel,
  unsubscribe: aboutChannel,
  join: aboutMembership,
  leave: aboutMembership,
  presence: () => ({ waits: [RIGHTS, MEMBERSHIPS], holds: [PRESENCE] }),
  watch: aboutWatch,
  unwatch: aboutWatch,
  token: aboutRights,
  logout: aboutRights,
  cancel: () => ({ waits: [RIGHTS], holds: [] }),
  read: () => ({ waits: [RIGHTS], holds: [] }),
  // It always passes: it moves a position forward, in whatever order.
  ack: () => ({ waits: [], holds: [] }),
};

function aboutChannel(channel: string): Place {
  return { waits: [RIGHTS, channel], holds: [channel] };
}

function aboutMembership(channel: string): Place {
  return { waits: [RIGHTS, channel, PRESENCE], holds: [channel, MEMBERSHIPS] };
}

function aboutWatch(channel: string): Place {
  const watch = `watch ${channel}`;
  return { waits: [RIGHTS, MEMBERSHIPS, watch], holds: [watch, PRESENCE] };
}

function aboutRights(): Place {
  return { waits: [ANYTHING], holds: [RIGHTS] };
}

/**
 * Makes the requests of one connection take effect in the order sent, where their order matters; the others pass each
 * other. Made for requests that have to wait or to be waited for: while there are none, a publish does not come here.
 */
export class RequestOrder {
  /** For each thing the end of the last request that holds it, and so of all before it. Undefined: there is none. */
  private ends: Map<string, Promise<unknown>> | undefined;

  get isIdle(): boolean {
    return this.ends === undefined;
  }

  /** Runs the request behind those that it waits for; it has taken effect when `work` resolves. */
  run<T>(name: RequestName, channel: string, work: () => Promise<T>): Promise<T> {
    const ends = (this.ends ??= new Map<string, Promise<unknown>>());
    const { waits, holds } = PLACES[name](channel);
    const done = Promise.all(waits.flatMap((thing) => ends.get(thing) ?? [])).then(work);
    const over = done.catch(() => undefined); // its own asker hears of it
    for (const thing of [...holds, ANYTHING]) this.hold(ends, thing, over);
    return done;
  }

  private hold(ends: Map<string, Promise<unknown>>, thing: string, over: Promise<unknown>): void {
    const end: Promise<unknown> = Promise.all([ends.get(thing) ?? over, over]).then(() => {
      if (ends.get(thing) === end) ends.delete(thing);
      if (ends.size === 0 && this.ends === ends) this.ends = undefined;
    });
    ends.set(thing, end);
  }
}
