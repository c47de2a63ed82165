import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { signToken } from '#auth';
import type { EventPayload, WireError } from '#protocol';
import { JWT_SECRET } from '../../support/server.js';

export interface MemberOptions {
  readonly user: string;
  /** Gives the address of a load balancer, or of the instance to try next. */
  readonly url: () => string;
  /** Called each time the client reconnects. */
  readonly onReturn?: () => void;
}

const DEVICE = 'phone';
const ANSWER_MS = 5_000;
const RETRY_MS = 100;

/**
 * A client as the protocol describes it, which always reconnects: at the time that a draining instance names, after
 * `retryAfterMs` when refused, and soon when the connection breaks. It remembers every body of its inbox.
 */
export class Member {
  readonly bodies = new Set<string>();
  /** Counts the messages that its application got twice, or behind a hole that was not announced. */
  disorders = 0;
  tries = 0;
  /** Counts how often a server told the client to come back later. */
  refusals = 0;
  isReady = false;
  private readonly last = new Map<string, number>();
  private readonly token: string;
  private socket: Socket | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wasReady = false;
  private isWanted = false;

  constructor(private readonly options: MemberOptions) {
    this.token = signToken(JWT_SECRET, { user: options.user, grants: ['publish:user:*'], ttlMs: 24 * 3_600_000 });
  }

  get inbox(): string {
    return `user:${this.options.user}`;
  }

  arrive(): void {
    this.isWanted = true;
    this.open();
  }

  leave(): void {
    this.isWanted = false;
    this.release();
  }

  /** Publishes until it is acknowledged, with the same id, on any connection. */
  async publish(channel: string, body: string): Promise<void> {
    const request = { channel, type: 'note', data: body, publishId: body };
    while (!(await this.isStored(request))) await delay(RETRY_MS);
  }

  private async isStored(request: object): Promise<boolean> {
    const { socket } = this;
    if (!socket || !this.isReady) return false;
    this.tries += 1;
    const answer = await this.answerOf(socket, request);
    if (answer?.ok === false && !answer.error?.retryable) throw new Error(`publish: ${answer.error?.message}`);
    return answer?.ok === true;
  }

  private async answerOf(socket: Socket, request: object): Promise<{ ok: boolean; error?: WireError } | undefined> {
    try {
      return (await socket.timeout(ANSWER_MS).emitWithAck('publish', request)) as { ok: boolean; error?: WireError };
    } catch {
      return undefined; // the outcome is unknown, so the same id is tried again
    }
  }

  private open(): void {
    if (this.wasReady) this.options.onReturn?.();
    const socket = io(this.options.url(), {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      auth: { token: this.token, deviceId: DEVICE },
    });
    this.socket = socket;
    socket.on('ready', () => {
      this.isReady = true;
      this.wasReady = true;
    });
    socket.on('messages', (payload: EventPayload<'messages'>) => this.take(socket, payload));
    socket.on('gap', ({ channel, toSeq, ack }: EventPayload<'gap'>) => {
      this.last.set(channel, toSeq);
      socket.emit('ack', ack);
    });
    socket.on('reconnect', ({ afterMs }: EventPayload<'reconnect'>) => this.comeBackAfter(afterMs));
    socket.on('disconnect', () => this.comeBackAfter(20 + Math.random() * 200));
    socket.on('connect_error', (error: Error & { data?: WireError }) => {
      if (error.data) this.refusals += 1;
      this.comeBackAfter(error.data?.retryAfterMs ?? 200 + Math.random() * 400);
    });
  }

  private take(socket: Socket, { messages, ack }: EventPayload<'messages'>): void {
    for (const { channel, seq, data } of messages) {
      const last = this.last.get(channel) ?? 0;
      if (seq <= last) continue;
      if (channel === this.inbox && seq !== last + 1) this.disorders += 1;
      this.last.set(channel, seq);
      if (this.bodies.has(data as string)) this.disorders += 1;
      this.bodies.add(data as string);
    }
    socket.emit('ack', ack);
  }

  private comeBackAfter(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.release();
      if (this.isWanted) this.open();
    }, ms);
  }

  private release(): void {
    clearTimeout(this.timer);
    this.isReady = false;
    this.socket?.removeAllListeners().disconnect();
    this.socket = undefined;
  }
}
