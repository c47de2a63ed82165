import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { frame, FrameParser } from './frames.js';

export interface RawSocketOptions {
  readonly localAddress?: string;
  /** The path and query of the upgrade; if undefined, those of Socket.IO. */
  readonly path?: string;
  /** Header lines of the upgrade, beyond those it must have. */
  readonly headers?: readonly string[];
  /** If false, Engine.IO's pings are left without an answer. */
  readonly answersPings?: boolean;
}

const SOCKET_IO = '/socket.io/?EIO=4&transport=websocket';
const SWITCHING = 'HTTP/1.1 101';
const END_OF_HEAD = '\r\n\r\n';
const CLOSE = 8;
/** The `end` of a socket that left by itself. */
export const LEFT = 'left';

/**
 * A WebSocket written by hand. It is cheap enough to flood with, and does what no library would: it sends any bytes,
 * stops reading, never answers a ping, and comes from any address of this machine.
 */
export class RawSocket {
  onText: (text: string) => void = () => undefined;
  /**
   * How the server ended the connection, e.g. `closing 4010`, `close 1009`, `HTTP 503`, `hung up`; undefined while it
   * is open.
   */
  end: string | undefined;
  /** Engine.IO's id of the transport, once the server has sent it. */
  id: string | undefined;
  /** Resolves with `end`. */
  readonly ended: Promise<string>;
  /** Resolves once the upgrade is done, or with `end`. */
  readonly opened: Promise<unknown>;
  private readonly reader = new FrameParser();
  private readonly answersPings: boolean;
  private head: string | undefined = '';
  private isOpen: () => void = () => undefined;
  private resolveEnded: (how: string) => void = () => undefined;
  private reason: string | undefined;

  private constructor(
    readonly tcp: Socket,
    { answersPings = true }: RawSocketOptions,
  ) {
    this.answersPings = answersPings;
    // The close that follows a reset says as much.
    tcp.on('error', (error: NodeJS.ErrnoException) => (this.reason ??= error.code));
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    tcp.once('close', () => this.finish('hung up'));
    this.opened = Promise.race([new Promise<void>((resolve) => (this.isOpen = resolve)), this.ended]);
    tcp.on('data', (chunk: Buffer) => this.hear(chunk));
  }

  /** Asks for the upgrade and waits for the answer. After a refusal `end` is set. */
  static async open(url: string, options: RawSocketOptions = {}): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const { localAddress, path = SOCKET_IO, headers = [] } = options;
    const tcp = connect({ host: hostname, port: Number(port), ...(localAddress ? { localAddress } : {}) });
    tcp.setNoDelay(true);
    const socket = new RawSocket(tcp, options);
    const lines = [`GET ${path} HTTP/1.1`, 'Host: x', ...UPGRADE, ...headers];
    tcp.write(lines.join('\r\n') + END_OF_HEAD);
    await socket.opened;
    return socket;
  }

  get isEnded(): boolean {
    return this.end !== undefined || this.tcp.destroyed;
  }

  send(text: string | Buffer, firstByte?: number): void {
    this.tcp.write(frame(text, firstByte));
  }

  /** Writes bytes as they are, and waits until the server has taken enough of them. */
  async write(bytes: Buffer): Promise<void> {
    if (this.isEnded) return;
    if (!this.tcp.write(bytes))
      await Promise.race([new Promise((resolve) => this.tcp.once('drain', resolve)), this.ended]);
    // Timers and incoming bytes need their turn as well, even while the server takes everything at once.
    await nextTurn();
  }

  /** Reads nothing from now on, so that what is sent to this socket piles up in the server. */
  stopReading(): void {
    this.tcp.pause();
  }

  leave(): void {
    this.finish(LEFT);
    this.tcp.destroy();
  }

  private hear(chunk: Buffer): void {
    const rest = this.head === undefined ? chunk : this.hearHead(chunk);
    for (const { opcode, payload } of this.reader.read(rest)) {
      // A close frame is never answered, because a hostile client would keep the server waiting for that.
      if (opcode === CLOSE) this.finish(`close ${payload.length >= 2 ? payload.readUInt16BE(0) : 'without a code'}`);
      else this.hearText(payload.toString());
    }
  }

  /**
   * Reads the head of the answer to the upgrade.
   * @returns the bytes behind it
   */
  private hearHead(chunk: Buffer): Buffer {
    this.head += chunk.toString('latin1');
    const head = this.head ?? '';
    if (!head.startsWith(SWITCHING)) {
      if (head.length >= SWITCHING.length) this.reason ??= `HTTP ${head.slice(9, 12)}`;
      return Buffer.alloc(0);
    }
    const end = head.indexOf(END_OF_HEAD);
    if (end < 0) return Buffer.alloc(0);
    this.head = undefined;
    this.isOpen();
    return Buffer.from(head.slice(end + END_OF_HEAD.length), 'latin1');
  }

  private finish(how: string): void {
    this.end ??= this.reason ?? how;
    this.resolveEnded(this.end);
  }

  private hearText(text: string): void {
    if (text === '2' && this.answersPings) this.send('3');
    if (text.startsWith('42["closing"')) this.reason = `closing ${/"code":(\d+)/.exec(text)?.[1] ?? ''}`;
    this.id ??= /^0\{"sid":"([^"]+)"/.exec(text)?.[1];
    this.onText(text);
  }
}

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
