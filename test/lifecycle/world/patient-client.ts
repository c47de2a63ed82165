import { io, type Socket } from 'socket.io-client';
import { signToken } from '#auth';
import { JWT_SECRET } from '../../support/server.js';
import { until } from '../../support/until.js';

/** The time that the client waits for a ping. Engine.IO's types keep it private. */
interface EngineWithTimeout {
  _pingTimeout: number;
}

const FOREVER_MS = 3_600_000;

/** A client that keeps its connection when the server falls silent, so that only the server ends it. */
export class PatientClient {
  messages = 0;
  closedAtMs: number | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('messages', () => (this.messages += 1));
    socket.on('disconnect', () => (this.closedAtMs = performance.now()));
  }

  static async connect(url: string, user: string): Promise<PatientClient> {
    const token = signToken(JWT_SECRET, { user, grants: [], ttlMs: 3_600_000 });
    const auth = { token, deviceId: 'phone' };
    const socket = io(url, { transports: ['websocket'], reconnection: false, forceNew: true, auth });
    const client = new PatientClient(socket);
    let isReady = false;
    let wasPinged = false;
    socket.on('ready', () => (isReady = true));
    socket.on('connect', () => {
      (socket.io.engine as unknown as EngineWithTimeout)._pingTimeout = FOREVER_MS;
      socket.io.engine.on('ping', () => (wasPinged = true)); // the new time counts from the next ping on
    });
    await until(`${user} is connected and was pinged`, () => isReady && wasPinged, 30_000);
    return client;
  }

  close(): void {
    this.socket.close();
  }
}
