import { rateLimited, RequestLimiter, type ConnectionLoad } from '#limits';
import { ProtocolError } from '#protocol';
import type { SocketThrottles, ThrottledSocket } from './socket-throttles.js';

/** A socket as its throttle sees it: it can be paused, resumed and cut off. */
export interface Throttled {
  readonly user: string;
  readonly address: string;
  /** Reads nothing from the socket until {@link resume}. */
  pause(): void;
  resume(): void;
  readonly transport: {
    /** The bytes that the client's network has not taken. */
    readonly bufferedBytes: number;
    /** Takes a ping as answered: while the socket is paused its pongs are not read, but it is not dead. */
    assumePong(): void;
    cutOff(error: ProtocolError): void;
  };
}

/** Runs work when its turn has come. */
export type InTurn = <R>(work: () => Promise<R>) => Promise<R>;

/** The memory that a request takes beside its bytes: objects, promises, its item in a batch. */
const REQUEST_BYTES = 512;
const SMALL_ANSWER_BYTES = 4_096;
/** How long a connection is not read from after a refusal. */
const HOLD_MS = 250;
/** How long a connection may be paused for being over its share before it is closed. */
const MAX_PAUSE_MS = 30_000;
/** A request with a long answer that has waited for room this long is refused. */
const ROOM_DEADLINE_MS = 5_000;
/** With more than this unread, a client gets no further long answers. */
const DRAINED_BYTES = 65_536;

/**
 * Holds one socket within its limits: how fast it sends, and how many of its bytes wait, for the database or for its
 * network. A socket over its share is not read from until that drains, so that TCP holds its client back; a socket that
 * does not drain is closed. A throttle is made for sockets that send something or do not read; most connections do
 * neither at a given moment.
 */
export class SocketThrottle implements ThrottledSocket {
  /** The time, by performance.now(), at which the client's network last took something. */
  drainedAtMs = performance.now();
  /** How many bytes waited for the client's network when they were last weighed. */
  unsentBytes = 0;
  private readonly limiter: RequestLimiter;
  private readonly load: ConnectionLoad;
  /** Since when the socket is not read from; undefined while it is read from. */
  private pausedAtMs: number | undefined;
  private heldUntilMs = -Infinity;
  private isOver = false;

  constructor(
    private readonly socket: Throttled,
    private readonly all: SocketThrottles,
  ) {
    this.limiter = new RequestLimiter(all.requests, socket.user, performance.now());
    this.load = all.loads.open(socket.user);
  }

  /**
   * Decides whether to take in a frame of which nothing was parsed yet.
   * @returns 0 to take it in, otherwise the milliseconds after which it may come again; Infinity means that the
   * connection was closed
   */
  admit(bytes: number, isAck: boolean): number {
    if (this.isOver) return Infinity;
    const nowMs = performance.now();
    if (isAck) return this.refuse('acks', this.limiter.takeAck(bytes, nowMs), nowMs);
    return (
      this.refuse('requests', this.limiter.takeRequest(nowMs), nowMs) ||
      this.refuse('bytes', this.limiter.takeBytes(bytes, nowMs), nowMs)
    );
  }

  /** Counts a request that was taken in. @returns its weight, for {@link end} */
  begin(bytes: number): number {
    const weight = bytes + REQUEST_BYTES;
    this.load.own.add(weight);
    if (this.load.own.isOver || this.load.user.isOver) this.pause();
    return weight;
  }

  /** Stops counting a request that was answered, or whose answer nobody waits for any more. */
  end(weight: number): void {
    this.load.own.add(-weight);
    if (this.pausedAtMs !== undefined) this.resumeIfLow();
  }

  /** Charges the client for an answer of so many bytes; a small one is paid with its request. */
  answered(bytes: number): void {
    if (bytes > SMALL_ANSWER_BYTES) this.limiter.chargeAnswer(bytes, performance.now());
  }

  /** Reads nothing from the client for a moment, because refusing what it sends costs as much as serving it. */
  hold(nowMs: number): void {
    this.heldUntilMs = nowMs + HOLD_MS;
    if (!this.isOver && this.pausedAtMs === undefined) this.stopReading(nowMs);
  }

  /** @throws ProtocolError OVERLOADED if too many bytes wait on the instance to take in a request of this length */
  assertRoom(bytes: number): void {
    if (!this.all.loads.refuses(bytes)) return;
    this.all.limited.inc('waiting-bytes');
    throw new ProtocolError('OVERLOADED', 'too many bytes wait on this instance');
  }

  /**
   * Makes an answer of up to so many bytes, in its turn, once the client has read the earlier ones and there is room.
   * The room is taken with the turn, so an answer that waits for its turn keeps no room from the others.
   */
  async longAnswer<T>(bytes: number, inTurn: InTurn, work: () => Promise<T>): Promise<T> {
    const endsAtMs = performance.now() + ROOM_DEADLINE_MS;
    for (;;) {
      if (this.isOver) throw new ProtocolError('UNAVAILABLE', 'the connection is closing');
      await this.all.room(this, bytes, endsAtMs);
      const answer = await inTurn(() => this.answerIfRoom(bytes, work));
      if (answer) return answer.made;
    }
  }

  /** True if there is room for a long answer of so many bytes. */
  hasRoom(bytes: number): boolean {
    return !this.isOver && this.socket.transport.bufferedBytes <= DRAINED_BYTES && this.load.user.hasRoom(bytes);
  }

  /** To be called when the client's network did not take all that it was sent. */
  onBehind(): void {
    if (this.isOver) return;
    this.weigh(performance.now());
    if (this.load.own.isOver || this.load.user.isOver) this.pause();
    this.all.watch(this);
  }

  /** Weighs the unsent bytes, and pauses, resumes or closes the socket. @returns true if it is to be looked at again */
  look(nowMs: number): boolean {
    this.weigh(nowMs);
    if (this.pausedAtMs === undefined) {
      if (this.unsentBytes > 0 && (this.load.own.isOver || this.load.user.isOver)) this.pause();
    } else if (nowMs - this.pausedAtMs >= MAX_PAUSE_MS) this.cutOff('what waits for this client has not drained');
    else {
      this.socket.transport.assumePong();
      this.resumeIfLow();
    }
    return !this.isOver && (this.unsentBytes > 0 || this.pausedAtMs !== undefined);
  }

  /** Closes the connection because of the bytes that wait for it. Messages stay stored. */
  cutOff(why: string): void {
    this.all.limited.inc('waiting-bytes');
    this.socket.transport.cutOff(new ProtocolError('OVERLOADED', why));
    this.leave();
  }

  /** To be called when the socket has closed, or is about to. Requests not done yet go on counting for the user. */
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
      // By then the answer has been handed to the network, and is weighed there.
      setImmediate(() => this.load.user.add(-bytes));
    }
  }

  private refuse(limit: string, waitMs: number, nowMs: number): number {
    if (waitMs === 0) return 0;
    this.all.limited.inc(limit);
    if (!this.limiter.isFlood(nowMs)) {
      this.hold(nowMs);
      return waitMs;
    }
    this.socket.transport.cutOff(rateLimited('it went on sending beyond its limits', waitMs));
    this.all.options.onFlood(this.socket.address);
    this.leave();
    return Infinity;
  }

  private weigh(nowMs: number): void {
    const bytes = this.isOver ? 0 : this.socket.transport.bufferedBytes;
    if (bytes < this.unsentBytes || bytes === 0) this.drainedAtMs = nowMs;
    this.load.own.add(bytes - this.unsentBytes);
    this.unsentBytes = bytes;
  }

  private pause(): void {
    if (this.isOver || this.pausedAtMs !== undefined) return;
    this.all.limited.inc('waiting-bytes');
    this.stopReading(performance.now());
  }

  private stopReading(nowMs: number): void {
    this.pausedAtMs = nowMs;
    this.socket.pause();
    this.all.watch(this);
  }

  private resumeIfLow(): void {
    if (this.isOver || performance.now() < this.heldUntilMs) return;
    if (!this.load.own.isLow || this.load.user.isOver) return;
    this.pausedAtMs = undefined;
    this.socket.resume();
  }
}
