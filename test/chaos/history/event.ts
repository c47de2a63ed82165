/**
 * What happened, as seen by those who were there. Each event is one line of JSONL; `at` is in milliseconds since the
 * beginning.
 *
 * A publish is numbered by `n`, however often it is tried: its publish id and its body carry the number. Every attempt
 * is invoked and then answered `ok`, `refused` or `unknown`, or never answered at all.
 */
export type HistoryEvent = { readonly at: number } & (
  | World
  | Invoke
  | Ok
  | Refused
  | Unknown
  | Abandon
  | Arrive
  | Leave
  | Open
  | Close
  | Deliver
  | Gap
  | Ack
  | AckSaved
  | FaultBegin
  | FaultEnd
  | FaultNotDone
  | RegistryLook
  | Trouble
);

/** The groups and devices of the run, recorded before anything is published. */
export interface World {
  readonly event: 'world';
  /** The milliseconds since 1970 at `at` = 0. */
  readonly epochMs: number;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Lists every device as `user/device`. */
  readonly devices: readonly string[];
}

export interface Invoke {
  readonly event: 'invoke';
  readonly n: number;
  /** Counts the attempts from 1. */
  readonly attempt: number;
  readonly publisher: string;
  /** The instance to which the attempt is sent, named by its slot. */
  readonly via: string;
  readonly channel: string;
  /** The hash of the body. */
  readonly hash: string;
  readonly ttlMs?: number;
}

export interface Ok {
  readonly event: 'ok';
  readonly n: number;
  readonly attempt: number;
  /** The seq and the id in the answer; undefined if it named none. */
  readonly seq: number | undefined;
  readonly id: string | undefined;
  readonly isRepeated: boolean;
}

export interface Refused {
  readonly event: 'refused';
  readonly n: number;
  readonly attempt: number;
  readonly code: number;
  readonly isRetryable: boolean;
}

/** No answer came, or the server answered that the outcome is unknown. */
export interface Unknown {
  readonly event: 'unknown';
  readonly n: number;
  readonly attempt: number;
  readonly why: string;
}

/** The publisher gives up on the publish without ever having got an `ok`. */
export interface Abandon {
  readonly event: 'abandon';
  readonly n: number;
}

/** A device wants to be online from now on. */
export interface Arrive {
  readonly event: 'arrive';
  readonly device: string;
  /**
   * True if the device takes its time with every message batch. How late it gets something says nothing about the
   * servers.
   */
  readonly isSlow: boolean;
}

export interface Leave {
  readonly event: 'leave';
  readonly device: string;
}

/** `ready` arrived: the connection is registered. */
export interface Open {
  readonly event: 'open';
  readonly device: string;
  readonly connection: string;
  /** The instance to which the device is connected, named by its slot. */
  readonly via: string;
  /** The seq of each channel at which the server says that the device stands. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface Close {
  readonly event: 'close';
  readonly device: string;
  readonly connection: string;
  readonly reason: string;
}

/** Holds [channel, seq, n, hash of the body, 1 if the device's dedupe let it through to the application]. */
export type Delivery = readonly [channel: string, seq: number, n: number, hash: string, isFresh: 0 | 1];

export interface Deliver {
  readonly event: 'deliver';
  readonly device: string;
  readonly connection: string;
  readonly messages: readonly Delivery[];
}

export interface Gap {
  readonly event: 'gap';
  readonly device: string;
  readonly connection: string;
  readonly channel: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly reason: string;
}

export interface Ack {
  readonly event: 'ack';
  readonly device: string;
  readonly connection: string;
  readonly positions: Readonly<Record<string, number>>;
}

/** The server confirmed that the positions are stored. */
export interface AckSaved {
  readonly event: 'ack-saved';
  readonly device: string;
  readonly connection: string;
  readonly positions: Readonly<Record<string, number>>;
}

/** The checker's expectations while and after a fault, recorded so that it needs to know nothing about faults. */
export interface Expectation {
  /**
   * `publish` means that messages keep flowing, so that latency counts from their publish. `end` means that the fault
   * may hold messages up: what arrives after its end counts from there, or from the publish if that came later.
   */
  readonly countsFrom: 'publish' | 'end';
  /** The bound for the p99 of the latencies so counted. */
  readonly recoversWithinMs: number;
  /**
   * The devices, or the instances by their slots, that the fault hits directly; the others must not notice. If
   * undefined, the fault hits all.
   */
  readonly touched?: readonly string[];
  /** During the fault, every publish gets some answer within this time. */
  readonly answersWithinMs?: number;
  /** True if the fault lasts while other faults come and go. A delay is attributed to those first. */
  readonly isBackground?: boolean;
  /**
   * True if the database's clock is ahead during the fault. Messages that expire by that clock have rightly expired.
   */
  readonly movesClock?: boolean;
}

export interface FaultBegin extends Expectation {
  readonly event: 'fault-begin';
  readonly fault: string;
  /** Numbers the faults of a run. */
  readonly strike: number;
  readonly detail: string;
  /** Counts how many faults of its kind this is: two instances killed at once are two. */
  readonly count: number;
}

export interface FaultEnd {
  readonly event: 'fault-end';
  readonly strike: number;
}

/**
 * A fault could not be done, or not to its end, for a reason that does not lie with the servers. What it did is healed.
 */
export interface FaultNotDone {
  readonly event: 'fault-not-done';
  readonly fault: string;
  readonly strike: number;
  readonly why: string;
}

/** The registry compared with the sockets that are really open, some time after a fault. */
export interface RegistryLook {
  readonly event: 'registry';
  readonly strike: number;
  readonly rows: number;
  readonly sockets: number;
  /** Connections in the registry that are open nowhere. */
  readonly ghosts: readonly string[];
  /** Open connections that the registry does not know. */
  readonly missing: readonly string[];
}

/** Something that no server may do, whatever the fault: end by itself, refuse a valid request for good … */
export interface Trouble {
  readonly event: 'trouble';
  readonly what: string;
}

/** An event without its time, which is added when it is recorded. */
export type Happening = HistoryEvent extends infer E ? (E extends unknown ? Omit<E, 'at'> : never) : never;
