import { io, type Socket } from 'socket.io-client';
import { signToken } from '#auth';
import type { EventPayload, Message, RequestName, RequestPayload, RequestResult, WireError } from '#protocol';
import { JWT_SECRET } from './server.js';
import { until } from './until.js';

export const ALL_GRANTS = ['publish:*', 'subscribe:*', 'join:*'];

export interface ClientOptions {
  readonly user: string;
  readonly deviceId?: string;
  readonly grants?: readonly string[];
  /** The claims of the token that is signed for the client, or the whole token. */
  readonly sessionId?: string;
  readonly ttlMs?: number;
  readonly token?: string;
  readonly resume?: Record<string, number>;
  /** If left out, every message batch is acknowledged at once. */
  readonly acknowledges?: boolean;
}

/** Signs the token of a client, as its application would. */
export function tokenFor({ user, grants = ALL_GRANTS, ttlMs = 3_600_000, sessionId }: ClientOptions): string {
  return signToken(JWT_SECRET, { user, grants, ttlMs, ...(sessionId === undefined ? {} : { sessionId }) });
}

type Answer<N extends RequestName> = ({ ok: true } & RequestResult<N>) | { ok: false; error: WireError };

/** A client as the README describes it: it dedupes by channel and seq, and remembers all that it saw. */
export class TestClient {
  /** The messages that the application got, after dedupe. */
  readonly received: Message[] = [];
  /** The messages that came over the wire, repeats included. */
  readonly raw: Message[] = [];
  readonly gaps: EventPayload<'gap'>[] = [];
  readonly memberships: EventPayload<'membership'>[] = [];
  /** Every change of presence that the client was told of: `ann on`, `ann off`. */
  readonly presences: string[] = [];
  expiring: EventPayload<'token_expiring'> | undefined;
  ready: EventPayload<'ready'> | undefined;
  closing: EventPayload<'closing'> | undefined;
  reconnect: EventPayload<'reconnect'> | undefined;
  refusal: WireError | undefined;
  /**
   * Why the client could not connect. `refusal` says more if the server refused it, and is undefined if none answered.
   */
  failure: Error | undefined;
  disconnectReason: string | undefined;
  /** Set to false to let messages pile up unacknowledged. */
  acknowledges: boolean;

  private constructor(
    readonly socket: Socket,
    private readonly options: ClientOptions,
    private readonly last: Map<string, number>,
  ) {
    this.acknowledges = options.acknowledges ?? true;
    socket.on('ready', (payload: EventPayload<'ready'>) => (this.ready = payload));
    socket.on('messages', (payload: EventPayload<'messages'>) => this.take(payload));
    socket.on('gap', (payload: EventPayload<'gap'>) => this.pass(payload));
    socket.on('membership', (payload: EventPayload<'membership'>) => this.memberships.push(payload));
    socket.on('presence', ({ users }: EventPayload<'presence'>) => {
      for (const { user, isOnline } of users) this.presences.push(`${user} ${isOnline ? 'on' : 'off'}`);
    });
    socket.on('token_expiring', (payload: EventPayload<'token_expiring'>) => (this.expiring = payload));
    socket.on('closing', (payload: EventPayload<'closing'>) => (this.closing = payload));
    socket.on('reconnect', (payload: EventPayload<'reconnect'>) => (this.reconnect = payload));
    socket.on('disconnect', (reason) => (this.disconnectReason = reason));
    socket.on('connect_error', (error: Error & { data?: WireError }) => {
      this.failure = error;
      this.refusal = error.data;
    });
  }

  /** Connects without waiting. `last` holds the seqs that the client knew from earlier connections. */
  static open(url: string, options: ClientOptions, last = new Map<string, number>()): TestClient {
    const { deviceId, resume, token = tokenFor(options) } = options;
    const socket = io(url, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      auth: { token, ...(deviceId === undefined ? {} : { deviceId }), ...(resume === undefined ? {} : { resume }) },
    });
    return new TestClient(socket, options, last);
  }

  /** Connects and waits for `ready`. */
  static async connect(url: string, options: ClientOptions, last?: Map<string, number>): Promise<TestClient> {
    return TestClient.open(url, options, last).whenReady();
  }

  async whenReady(): Promise<this> {
    await until(`${this.options.user} is ready`, () => {
      if (this.refusal) throw new Error(`refused: ${this.refusal.code} ${this.refusal.message}`);
      if (this.failure) throw this.failure;
      if (this.closing && !this.ready) throw new Error(`sent away: ${this.closing.code} ${this.closing.message}`);
      return this.ready;
    });
    return this;
  }

  get position(): Map<string, number> {
    return this.last;
  }

  async ask<N extends RequestName>(name: N, payload: RequestPayload<N>): Promise<Answer<N>> {
    return (await this.socket.timeout(15_000).emitWithAck(name, payload)) as Answer<N>;
  }

  /** Asks as {@link ask} does, for requests that must succeed. */
  async must<N extends RequestName>(name: N, payload: RequestPayload<N>): Promise<RequestResult<N>> {
    const answer = await this.ask(name, payload);
    if (!answer.ok) throw new Error(`${name}: ${answer.error.code} ${answer.error.message}`);
    return answer;
  }

  /** Sends any event with any arguments, also such as no well-meaning client would send. */
  async send(event: string, ...args: unknown[]): Promise<{ ok: boolean; error?: WireError }> {
    return (await this.socket.timeout(15_000).emitWithAck(event, ...args)) as { ok: boolean; error?: WireError };
  }

  /** The bodies of one channel that the application got, in order. */
  bodies(channel: string): unknown[] {
    return this.received.filter((message) => message.channel === channel).map(({ data }) => data);
  }

  close(): void {
    this.socket.close();
  }

  private pass(gap: EventPayload<'gap'>): void {
    this.gaps.push(gap);
    if (this.acknowledges) this.socket.emit('ack', gap.ack);
  }

  private take({ messages, ack }: EventPayload<'messages'>): void {
    for (const message of messages) {
      this.raw.push(message);
      if (message.seq <= (this.last.get(message.channel) ?? 0)) continue;
      this.last.set(message.channel, message.seq);
      this.received.push(message);
    }
    if (this.acknowledges) this.socket.emit('ack', ack);
  }
}
