import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import type { Ack, EventPayload, Publish, Published, RequestName, RequestResult, WireError } from '#protocol';
import { DemoReader, type Application } from './demo-reader.js';

export interface ClientSettings extends Application {
  readonly token: string;
  readonly deviceId: string;
  /** Picks the address of some living instance, perhaps another one each time; undefined while there is none. */
  readonly pickUrl: () => string | undefined;
}

type Answer<T> = ({ ok: true } & T) | { ok: false; error: WireError };

const RETRY_MS = 100;
const ANSWER_TIMEOUT_MS = 10_000;
const DEADLINE_MS = 60_000;

/** A request was refused for good, or found no instance to take it within its deadline. */
export class RequestFailed extends Error {}

/** The Socket.IO client of one device of a user. When its connection breaks it reconnects at once, to any instance. */
export class Client {
  readonly reader: DemoReader;
  /** Counts how often a working connection broke that this client had not closed. */
  reconnects = 0;

  private readonly events = new EventEmitter().setMaxListeners(0);
  private socket: Socket | undefined;
  private isReady = false;
  private isWanted = false;
  private refusal: WireError | undefined;
  private reopening: NodeJS.Timeout | undefined;

  constructor(private readonly settings: ClientSettings) {
    this.reader = new DemoReader(settings);
  }

  get isOnline(): boolean {
    return this.isReady;
  }

  async connect(): Promise<void> {
    if (!this.isWanted) {
      this.isWanted = true;
      this.open();
    }
    await this.online(AbortSignal.timeout(DEADLINE_MS));
  }

  disconnect(): void {
    this.isWanted = false;
    clearTimeout(this.reopening);
    this.reader.flush();
    this.release();
  }

  /** Stores one message however often it is tried, because every try carries the same publishId. */
  publish(request: Publish & { publishId: string }): Promise<Published> {
    return this.request('publish', request);
  }

  join(channel: string): Promise<RequestResult<'join'>> {
    return this.request('join', { channel });
  }

  private async request<N extends RequestName>(name: N, payload: unknown): Promise<RequestResult<N>> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const answer = await ask<RequestResult<N>>(await this.online(deadline), name, payload);
      if (answer?.ok) return answer;
      if (answer && !answer.error.retryable) throw new RequestFailed(`${name}: ${answer.error.message}`);
      if (answer) await sleep(RETRY_MS);
      if (deadline.aborted) throw new RequestFailed(`${name}: no success within ${DEADLINE_MS / 1000} s`);
    }
  }

  private async online(deadline: AbortSignal): Promise<Socket> {
    for (;;) {
      if (this.isReady && this.socket) return this.socket;
      if (this.refusal) throw new RequestFailed(`connection refused: ${this.refusal.message}`);
      if (deadline.aborted) throw new RequestFailed(`not connected within ${DEADLINE_MS / 1000} s`);
      await once(this.events, 'change', { signal: deadline }).catch(() => undefined);
    }
  }

  private open(): void {
    const url = this.settings.pickUrl();
    if (url === undefined) return this.reopen(RETRY_MS);
    const { token, deviceId } = this.settings;
    // Without forceNew all users of this process would share one connection per instance.
    const socket = io(url, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      auth: { token, deviceId },
    });
    this.socket = socket;
    this.reader.attach((ack: Ack) => socket.emit('ack', ack));
    this.listen(socket);
  }

  private listen(socket: Socket): void {
    socket.on('ready', () => this.ready(socket));
    socket.on('messages', (packet: EventPayload<'messages'>) => this.reader.take(packet));
    socket.on('gap', (gap: EventPayload<'gap'>) => this.reader.skip(gap));
    socket.on('closing', (error: EventPayload<'closing'>) => this.refused(error));
    socket.on('reconnect', ({ afterMs }: EventPayload<'reconnect'>) => {
      setTimeout(() => this.broken(socket, 0), afterMs);
    });
    socket.on('disconnect', () => this.broken(socket, 0));
    socket.on('connect_error', (error: Error & { data?: WireError }) => {
      this.refused(error.data);
      this.broken(socket, RETRY_MS);
    });
  }

  private ready(socket: Socket): void {
    if (socket !== this.socket) return;
    this.isReady = true;
    this.events.emit('change');
  }

  /** A refusal that trying again cannot heal, such as a bad token, ends the attempts. */
  private refused(error: WireError | undefined): void {
    if (error?.retryable !== false) return;
    this.refusal = error;
    this.isWanted = false;
    this.events.emit('change');
  }

  private broken(socket: Socket, delayMs: number): void {
    if (socket !== this.socket) return;
    if (this.isReady) this.reconnects++;
    this.release();
    if (this.isWanted) this.reopen(delayMs);
  }

  private reopen(delayMs: number): void {
    this.reopening = setTimeout(() => this.open(), delayMs);
  }

  private release(): void {
    const socket = this.socket;
    this.socket = undefined;
    this.isReady = false;
    this.reader.detach();
    socket?.removeAllListeners().disconnect();
  }
}

/**
 * Sends one request. The answer is undefined when the outcome is unknown: none came in time, or the connection broke.
 */
async function ask<T>(socket: Socket, name: RequestName, payload: unknown): Promise<Answer<T> | undefined> {
  try {
    return (await socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck(name, payload)) as Answer<T>;
  } catch {
    return undefined;
  }
}
