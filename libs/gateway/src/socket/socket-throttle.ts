import { RequestLimiter, type ConnectionLoad } from '#limits';
import { Fault } from '#protocol';
import type { SocketThrottles, ThrottledSocket } from './socket-throttles.js';

/** One who sends and reads, and can be kept from it. */
export interface Throttled {
  readonly user: string;
  readonly address: string;
  readonly outlet: {
    /** What its network has not taken. */
    readonly bufferedBytes: number;
    pause(): void;
    resume(): void;
    /** While it is paused its pongs are not read, and it must not be taken for dead. */
    assumePong(): void;
    cutOff(fault: Fault): void;
  };
}

/** Runs a work when it is its turn. */
export type InTurn = <R>(work: () => Promise<R>) => Promise<R>;

/** What a request takes beside its bytes: objects, promises, its place in a batch. */
const REQUEST_BYTES = 512;
/** How long a connection may be over its share. */
const MAX_PAUSE_MS = 30_000;
/** A request with a long answer that has waited for room this long is refused. */
const ROOM_DEADLINE_MS = 5_000;
/** With more than this unread, a client gets no further long answers. */
const DRAINED_BYTES = 65_536;

/**
 * Holds one socket within its limits: how fast it sends, and how much of it waits, for the database or for its network.
 * A socket over its share is not read from until that drains, so that TCP holds its client back; one that does not drain
 * is closed. Made for those who send something or do not read: most connections do neither at a given moment.
 */
export class SocketThrottle implements ThrottledSocket {
  /** When its network last took something, performance.now(). */
  drainedAtMs = performance.now();
  /** Of the bytes that wait, those for its network, as weighed last. */
  unsentBytes = 0;
  private readonly limiter: RequestLimiter;
  private readonly load: ConnectionLoad;
  private pausedAtMs: number | undefined;
  private isOver = false;

  constructor(
    private readonly socket: Throttled,
    private readonly all: SocketThrottles,
  ) {
    this.limiter = new RequestLimiter(all.requests, socket.user, performance.now());
    this.load = all.loads.open(socket.user);
  }

  /**
   * A frame came, of which nothing was parsed yet.
   * @returns 0 to take it in, otherwise after how many milliseconds it may come again; Infinity: it is closed
   */
  admit(bytes: number, isAck: boolean): number {
    if (this.isOver) return Infinity;
    const nowMs = performance.now();
    if (isAck) return this.refuse('acks', this.limiter.takeAck(bytes, nowMs), bytes, nowMs);
    return (
      this.refuse('requests', this.limiter.takeRequest(nowMs), bytes, nowMs) ||
      this.refuse('bytes', this.limiter.takeBytes(bytes, nowMs), bytes, nowMs)
    );
  }

  /** A request was taken in. @returns its weight, for {@link end} */
  begin(bytes: number): number {
    const weight = bytes + REQUEST_BYTES;
    this.load.own.add(weight);
    if (this.load.own.isOver || this.load.user.isOver) this.pause();
    return weight;
  }

  /** A request was answered, or nobody waits for its answer any more. */
  end(weight: number): void {
    this.load.own.add(-weight);
    if (this.pausedAtMs !== undefined) this.resumeIfLow();
  }

  /** @throws Fault OVERLOADED if the instance has too much waiting for a request of this length */
  assertRoom(bytes: number): void {
    if (!this.all.loads.refuses(bytes)) return;
    this.all.limited.inc('waiting-bytes');
    throw new Fault('OVERLOADED', 'too many bytes wait on this instance');
  }

  /**
   * Does what has an answer of up to so many bytes, in its turn, once its client has read the others and there is room.
   * The room is taken with the turn: an answer that waits for its turn keeps no room from the others.
   */
  async longAnswer<T>(bytes: number, inTurn: InTurn, work: () => Promise<T>): Promise<T> {
    const endsAtMs = performance.now() + ROOM_DEADLINE_MS;
    for (;;) {
      if (this.isOver) throw new Fault('UNAVAILABLE', 'the connection is closing');
      await this.all.room(this, bytes, endsAtMs);
      const answer = await inTurn(() => this.answerIfRoom(bytes, work));
      if (answer) return answer.made;
    }
  }

  /** There is room for a long answer. */
  hasRoom(bytes: number): boolean {
    return !this.isOver && this.socket.outlet.bufferedBytes <= DRAINED_BYTES && this.load.user.hasRoom(bytes);
  }

  /** Its network did not take all that it was sent. */
  onBehind(): void {
    if (this.isOver) return;
    this.weigh(performance.now());
    if (this.load.own.isOver || this.load.user.isOver) this.pause();
    this.all.watch(this);
  }

  /** @returns whether there will be something to look at again */
  look(nowMs: number): boolean {
    this.weigh(nowMs);
    if (this.pausedAtMs === undefined) {
      if (this.unsentBytes > 0 && (this.load.own.isOver || this.load.user.isOver)) this.pause();
    } else if (nowMs - this.pausedAtMs >= MAX_PAUSE_MS) this.cutOff('what waits for this client has not drained');
    else {
      this.socket.outlet.assumePong();
      this.resumeIfLow();
    }
    return !this.isOver && (this.unsentBytes > 0 || this.pausedAtMs !== undefined);
  }

  /** Closes it because of what waits for it. Messages stay stored. */
  cutOff(why: string): void {
    this.all.limited.inc('waiting-bytes');
    this.socket.outlet.cutOff(new Fault('OVERLOADED', why));
    this.leave();
  }

  /** Its socket has closed, or is about to. What it sent and is not done yet goes on counting for its user. */
  leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.load.own.add(-this.unsentBytes);
    this.unsentBytes = 0;
    this.all.loads.close(this.socket.user);
    this.all.leave(this);
  }

  /** @returns undefined if others have taken the room meanwhile */
  private async answerIfRoom<T>(bytes: number, work: () => Promise<T>): Promise<{ made: T } | undefined> {
    if (!this.hasRoom(bytes)) return undefined;
    this.load.user.add(bytes);
    try {
      return { made: await work() };
    } finally {
      // By then it has been handed to the network, and is weighed there.
      setImmediate(() => this.load.user.add(-bytes));
    }
  }

  private refuse(limit: string, waitMs: number, bytes: number, nowMs: number): number {
    if (waitMs === 0) return 0;
    this.all.limited.inc(limit);
    if (!this.limiter.isFlood(bytes, nowMs)) return waitMs;
    const message = 'it went on sending beyond its limits';
    this.socket.outlet.cutOff(new Fault('RATE_LIMITED', message, { retryAfterMs: waitMs }));
    this.all.options.onFlood(this.socket.address);
    this.leave();
    return Infinity;
  }

  private weigh(nowMs: number): void {
    const bytes = this.isOver ? 0 : this.socket.outlet.bufferedBytes;
    if (bytes < this.unsentBytes || bytes === 0) this.drainedAtMs = nowMs;
    this.load.own.add(bytes - this.unsentBytes);
    this.unsentBytes = bytes;
  }

  private pause(): void {
    if (this.isOver || this.pausedAtMs !== undefined) return;
    this.pausedAtMs = performance.now();
    this.all.limited.inc('waiting-bytes');
    this.socket.outlet.pause();
    this.all.watch(this);
  }

  private resumeIfLow(): void {
    if (this.isOver || !this.load.own.isLow || this.load.user.isOver) return;
    this.pausedAtMs = undefined;
    this.socket.outlet.resume();
  }
}
