/**
 * The things that a request waits for and holds. Each is the name of something that requests change. Two requests keep
 * their order if one waits for a thing that the other holds.
 */
export interface RequestDependencies {
  /** The request takes effect after the earlier requests that hold one of these. */
  readonly waits: readonly string[];
  /** The request holds these until it has taken effect. */
  readonly holds: readonly string[];
}

/** The grants of the token, and whether there still is a session. All but an `ack` wait for a change of these. */
export const RIGHTS = 'rights';
/** Every request in this order holds this thing, so that a change of the rights comes after all of them. */
const ANYTHING = 'anything';
/** The groups of the user, which decide whose presence it may see. */
export const MEMBERSHIPS = 'memberships';
/** Requests about presence hold this thing, because they may still have to find out whether they are allowed. */
export const PRESENCE = 'presence';

export function aboutChannel(channel: string): RequestDependencies {
  return { waits: [RIGHTS, channel], holds: [channel] };
}

export function aboutMembership(channel: string): RequestDependencies {
  return { waits: [RIGHTS, channel, PRESENCE], holds: [channel, MEMBERSHIPS] };
}

export function aboutWatch(channel: string): RequestDependencies {
  const watch = `watch ${channel}`;
  return { waits: [RIGHTS, MEMBERSHIPS, watch], holds: [watch, PRESENCE] };
}

export function aboutRights(): RequestDependencies {
  return { waits: [ANYTHING], holds: [RIGHTS] };
}

/**
 * Makes the requests of one connection take effect in the order sent where their order matters; others may overtake
 * each other. An order is made for requests that have to wait or to be waited for; while there are none, a publish does
 * not come here.
 */
export class RequestOrder {
  /** For each thing the end of the last request that holds it, and so of all before it. Undefined: none is held. */
  private ends: Map<string, Promise<unknown>> | undefined;

  get isIdle(): boolean {
    return this.ends === undefined;
  }

  /** Runs a request after those that it waits for. It has taken effect when `work` resolves. */
  run<T>({ waits, holds }: RequestDependencies, work: () => Promise<T>): Promise<T> {
    const ends = (this.ends ??= new Map<string, Promise<unknown>>());
    const done = Promise.all(waits.flatMap((thing) => ends.get(thing) ?? [])).then(work);
    const over = done.catch(() => undefined); // the caller gets this error from `done`
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
