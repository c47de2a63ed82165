/**
 * What happened, as those saw it who were there. One line of JSONL each; `at` is in milliseconds since the beginning.
 *
 * A publish is one intention, numbered by `n` however often it is tried: its publish id and its body carry the number.
 * Every try is invoked and then answered `ok`, `refused` or `unknown`, or never answered at all.
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

/** Who there is, before anything is published. */
export interface World {
  readonly event: 'world';
  /** Milliseconds since 1970 at `at` = 0. */
  readonly epochMs: number;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** `user/device` of every device. */
  readonly devices: readonly string[];
}

export interface Invoke {
  readonly event: 'invoke';
  readonly n: number;
  /** From 1. */
  readonly attempt: number;
  readonly publisher: string;
  /** The instance it is sent to, by its place. */
  readonly via: string;
  readonly channel: string;
  /** Of the body. */
  readonly hash: string;
  readonly ttlMs?: number;
}

export interface Ok {
  readonly event: 'ok';
  readonly n: number;
  readonly attempt: number;
  /** Undefined: the answer named none. */
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

/** No answer, or the answer that nobody knows. */
export interface Unknown {
  readonly event: 'unknown';
  readonly n: number;
  readonly attempt: number;
  readonly why: string;
}

/** The publisher gives up on it, having never got an `ok`. */
export interface Abandon {
  readonly event: 'abandon';
  readonly n: number;
}

/** A device wants to be online from now on. */
export interface Arrive {
  readonly event: 'arrive';
  readonly device: string;
  /** It takes its time with every packet: how late it gets something says nothing about the servers. */
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
  /** The instance it is connected to, by its place. */
  readonly via: string;
  /** Where the server says the device stands. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface Close {
  readonly event: 'close';
  readonly device: string;
  readonly connection: string;
  readonly reason: string;
}

/** [channel, seq, n, hash of the body, 1 if the device's dedupe let it through to the application] */
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

/** What a fault lets be expected, so that the checker needs to know nothing about faults. */
export interface Expectation {
  /**
   * `publish`: messages keep flowing, so latency counts from their publish · `end`: the fault may hold them up, so what
   * arrives after its end counts from there, or from the publish if that came later.
   */
  readonly countsFrom: 'publish' | 'end';
  /** For the p99 of the latencies so counted. */
  readonly recoversWithinMs: number;
  /** Devices, or instances by their places, that it hits directly; the others must not notice. Undefined: it hits all. */
  readonly touched?: readonly string[];
  /** Also while it lasts, every publish gets some answer within this time. */
  readonly answersWithinMs?: number;
  /** It lasts while other faults come and go; a delay is put down to those first. */
  readonly isBackground?: boolean;
  /** The database's clock is ahead while it lasts: what expires by that clock has rightly expired. */
  readonly movesClock?: boolean;
}

export interface FaultBegin extends Expectation {
  readonly event: 'fault-begin';
  readonly fault: string;
  /** Numbers the faults of a run. */
  readonly strike: number;
  readonly detail: string;
  /** How many of what it is: two instances killed at once are two. */
  readonly count: number;
}

export interface FaultEnd {
  readonly event: 'fault-end';
  readonly strike: number;
}

/** It could not be done, or not to its end, for a reason that lies not with the servers; what it did is healed. */
export interface FaultNotDone {
  readonly event: 'fault-not-done';
  readonly fault: string;
  readonly strike: number;
  readonly why: string;
}

/** The registry compared with the sockets really open, some time after a fault. */
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

/** What no server may do, whatever the fault: end by itself, refuse for good what is right … */
export interface Trouble {
  readonly event: 'trouble';
  readonly what: string;
}

/** Without its time, which whoever records it adds. */
export type Happening = HistoryEvent extends infer E ? (E extends unknown ? Omit<E, 'at'> : never) : never;
