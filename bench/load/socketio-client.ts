import { io, type Socket } from 'socket.io-client';
import type { Body } from './body.js';
import { CONNECT_DEADLINE_MS, MESSAGE_TYPE, type Client, type ClientPlan } from './client.js';

interface Answer {
  readonly ok: boolean;
  readonly error?: string;
}

/** The client of the systems built on stock Socket.IO, whose server puts it into the room of its user. */
export class SocketioClient implements Client {
  readonly user: string;
  readonly ready: Promise<void>;
  onMessage: (body: Body) => void = () => undefined;
  private readonly socket: Socket;

  constructor({ url, user }: ClientPlan) {
    this.user = user;
    this.socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      timeout: CONNECT_DEADLINE_MS,
      auth: { user },
    });
    this.ready = new Promise((resolve, reject) => {
      // At `connect` the server may still be writing the connection down, so `ready` is awaited instead.
      this.socket.on('ready', () => resolve());
      this.socket.on('connect_error', reject);
    });
    this.socket.on('message', ({ data }: { data: Body }) => this.onMessage(data));
  }

  publish(channel: string, data: Body, done: (error?: string) => void): void {
    this.socket.emit('publish', { channel, type: MESSAGE_TYPE, data }, ({ ok, error }: Answer) =>
      done(ok ? undefined : (error ?? 'refused')),
    );
  }

  async join(channel: string): Promise<void> {
    await this.socket.timeout(CONNECT_DEADLINE_MS).emitWithAck('join', { channel });
  }

  close(): void {
    this.socket.close();
  }
}
