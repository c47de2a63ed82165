import { randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { signToken } from '#auth';
import type { Ack, EventPayload, WireError } from '#protocol';
import type { Body } from './body.js';
import { CONNECT_DEADLINE_MS, MESSAGE_TYPE, type Client, type ClientPlan } from './client.js';

type Answer = { readonly ok: true } | { readonly ok: false; readonly error: WireError };

/** As docs/protocol.md advises, acks are sent a few times a second, and when half a window has come. */
const ACK_EVERY_MS = 250;
const ACK_AT_MESSAGES = 128;
const GRANTS = ['publish:*', 'subscribe:*', 'join:*'];
const TOKEN_TTL_MS = 6 * 3_600_000;

/** The client of the README, with several acknowledgements merged into one. */
export class TrunklineClient implements Client {
  readonly user: string;
  readonly ready: Promise<void>;
  onMessage: (body: Body) => void = () => undefined;
  private readonly socket: Socket;
  /** Holds the highest seq of each channel, by which repeats after a reconnect are dropped. */
  private readonly last = new Map<string, number>();
  private unacknowledged: Ack = {};
  private unacknowledgedMessages = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    { url, user }: ClientPlan,
    token: string,
    private readonly usesPublishIds: boolean,
  ) {
    this.user = user;
    this.socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      timeout: CONNECT_DEADLINE_MS,
      auth: { token, deviceId: 'bench' },
    });
    this.ready = new Promise((resolve, reject) => {
      this.socket.on('ready', () => resolve());
      this.socket.on('connect_error', reject);
      this.socket.on('closing', ({ message }: WireError) => reject(new Error(message)));
    });
    this.socket.on('messages', (packet: EventPayload<'messages'>) => this.take(packet));
    this.socket.on('gap', ({ ack }: EventPayload<'gap'>) => this.acknowledge(ack));
  }

  static sign(secret: string, user: string): string {
    return signToken(secret, { user, grants: GRANTS, ttlMs: TOKEN_TTL_MS });
  }

  publish(channel: string, data: Body, done: (error?: string) => void): void {
    const publishId = this.usesPublishIds ? { publishId: randomUUID() } : {};
    this.socket.emit('publish', { channel, type: MESSAGE_TYPE, data, ...publishId }, (answer: Answer) =>
      done(answer.ok ? undefined : `${answer.error.code} ${answer.error.message}`),
    );
  }

  async join(channel: string, as: 'member' | 'subscriber'): Promise<void> {
    const request = as === 'member' ? 'join' : 'subscribe';
    const answer = (await this.socket.timeout(CONNECT_DEADLINE_MS).emitWithAck(request, { channel })) as Answer;
    if (!answer.ok) throw new Error(`${request} ${channel}: ${answer.error.code} ${answer.error.message}`);
  }

  close(): void {
    clearTimeout(this.timer);
    this.socket.close();
  }

  private take({ messages, ack }: EventPayload<'messages'>): void {
    for (const { channel, seq, data } of messages) {
      if (seq <= (this.last.get(channel) ?? 0)) continue;
      this.last.set(channel, seq);
      this.onMessage(data as unknown as Body);
    }
    this.unacknowledgedMessages += messages.length;
    this.acknowledge(ack);
  }

  private acknowledge(ack: Ack): void {
    Object.assign(this.unacknowledged, ack);
    if (this.unacknowledgedMessages >= ACK_AT_MESSAGES) this.sendAck();
    else this.timer ??= setTimeout(() => this.sendAck(), ACK_EVERY_MS);
  }

  private sendAck(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.socket.emit('ack', this.unacknowledged);
    this.unacknowledged = {};
    this.unacknowledgedMessages = 0;
  }
}
