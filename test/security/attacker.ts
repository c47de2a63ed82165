import type { Socket as TcpSocket } from 'node:net';
import { io, Manager, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { signToken } from '#auth';
import type { EventPayload, WireError } from '#protocol';
import { JWT_SECRET } from '../support/server.js';
import { until } from '../support/until.js';

const OPTIONS = { transports: ['websocket'], reconnection: false, forceNew: true };
const ANSWER_DEADLINE_MS = 5_000;

export interface Answer {
  readonly ok: boolean;
  readonly error?: WireError;
  readonly [field: string]: unknown;
}

type Options = Partial<ManagerOptions & SocketOptions>;

/** Comes with whatever handshake it likes. @returns how the server refused it, or `ready` if it was let in */
export async function knock(url: string, options: Options): Promise<WireError | EventPayload<'ready'> | Error> {
  const socket = io(url, { ...OPTIONS, ...options });
  try {
    return await new Promise((resolve) => {
      socket.on('ready', resolve);
      socket.on('connect_error', (error: Error & { data?: WireError }) => resolve(error.data ?? error));
    });
  } finally {
    socket.close();
  }
}

/** A client with a valid token and bad manners. */
export class Attacker {
  private lastId = 1_000;

  private constructor(readonly socket: Socket) {}

  static async enter(
    url: string,
    grants: readonly string[],
    options: Options = {},
    user = 'mallory',
  ): Promise<Attacker> {
    const token = signToken(JWT_SECRET, { user, grants, ttlMs: 60_000 });
    const socket = io(url, { ...OPTIONS, ...options, auth: { token, deviceId: 'lair' } });
    await new Promise((resolve, reject) => {
      socket.on('ready', resolve);
      socket.on('connect_error', reject);
    });
    return new Attacker(socket);
  }

  async send(event: string, ...args: unknown[]): Promise<Answer> {
    return (await this.socket.timeout(ANSWER_DEADLINE_MS).emitWithAck(event, ...args)) as Answer;
  }

  /** The JSON array of an event as text, for what JavaScript's own encoder would not write. */
  async sendText(json: string): Promise<Answer> {
    const id = ++this.lastId;
    const prefix = `3${id}`;
    let answer: Answer | undefined;
    this.socket.io.engine.on('data', (packet: unknown) => {
      if (typeof packet === 'string' && packet.startsWith(prefix)) {
        [answer] = JSON.parse(packet.slice(prefix.length)) as [Answer];
      }
    });
    this.sendFrame(`42${id}${json}`);
    return until(`an answer to ${json.slice(0, 80)}`, () => answer, ANSWER_DEADLINE_MS);
  }

  /** A WebSocket message as it goes over the wire, whatever Engine.IO and Socket.IO will think of it. */
  sendFrame(frame: string): void {
    sendFrame(this.socket.io, frame);
  }

  /** In as few TCP segments as possible, so that the server reads them in one turn of its event loop. */
  sendAtOnce(frames: readonly (string | Buffer)[]): void {
    sendAtOnce(this.socket.io, frames);
  }

  /** Bytes beside the WebSocket, which would not let them through. */
  sendRaw(bytes: Buffer): void {
    webSocketOf(this.socket.io)._socket.write(bytes);
  }

  /** Takes pings without a word. */
  answerNoPings(): void {
    const engine = this.socket.io.engine as unknown as { _sendPacket: (type: string, ...rest: unknown[]) => void };
    const send = engine._sendPacket.bind(engine);
    engine._sendPacket = (type, ...rest) => (type === 'pong' ? undefined : send(type, ...rest));
  }

  async isPinged(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.io.engine.once('ping', () => resolve()));
  }

  /** As they come, before Socket.IO's decoder. */
  hear(listener: (packet: string) => void): void {
    this.socket.io.engine.on('data', (packet: unknown) => listener(String(packet)));
  }

  async isThrownOut(): Promise<boolean> {
    await until('the server hangs up', () => this.socket.disconnected, ANSWER_DEADLINE_MS);
    return true;
  }

  leave(): void {
    this.socket.close();
  }
}

/** A bare WebSocket that speaks as it likes, and has not said CONNECT yet. */
export class Stranger {
  readonly heard: string[] = [];
  isHungUp = false;

  private constructor(private readonly manager: Manager) {
    manager.engine.on('data', (packet: unknown) => this.heard.push(String(packet)));
    manager.once('close', () => (this.isHungUp = true));
  }

  static async come(url: string): Promise<Stranger> {
    const manager = new Manager(url, { ...OPTIONS, autoConnect: false });
    await new Promise<void>((resolve, reject) => manager.open((error) => (error ? reject(error) : resolve())));
    return new Stranger(manager);
  }

  sendFrame(frame: string): void {
    sendFrame(this.manager, frame);
  }

  sendAtOnce(frames: readonly (string | Buffer)[]): void {
    sendAtOnce(this.manager, frames);
  }

  /** Bytes beside the WebSocket, which would not let them through. */
  sendRaw(bytes: Buffer): void {
    webSocketOf(this.manager)._socket.write(bytes);
  }

  leave(): void {
    this.manager.engine.close();
  }

  /** Goes without a word, as a client whose process was killed. */
  reset(): void {
    webSocketOf(this.manager)._socket.resetAndDestroy();
  }
}

function sendFrame(manager: Manager, frame: string | Buffer): void {
  webSocketOf(manager).send(frame);
}

function sendAtOnce(manager: Manager, frames: readonly (string | Buffer)[]): void {
  const { _socket: tcp } = webSocketOf(manager);
  tcp.cork();
  for (const frame of frames) sendFrame(manager, frame);
  tcp.uncork();
}

interface WebSocketOfNode {
  send(frame: string | Buffer): void;
  readonly _socket: TcpSocket;
}

/** Behind the encoders; nothing public leads there. */
function webSocketOf(manager: Manager): WebSocketOfNode {
  return (manager.engine.transport as unknown as { ws: WebSocketOfNode }).ws;
}
