import { connect, type Socket } from 'node:net';
import { until } from '../support/until.js';

/** A client that writes HTTP by hand, and so can stop anywhere in a request. */
export class RawHttp {
  text = '';
  isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => (this.text += chunk.toString('latin1')));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => undefined);
  }

  /**
   * Connects.
   * @param from the address of this machine, in 127.0.0.0/8, from which the connection comes
   */
  static async open(url: string, from = '127.0.0.1'): Promise<RawHttp> {
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, localAddress: from });
    const raw = new RawHttp(socket);
    await until('connected or refused', () => raw.isClosed || !socket.connecting);
    return raw;
  }

  /** Sends the head of a request, and nothing of its body. */
  static async ask(url: string, firstLine: string, headers: Record<string, string | number> = {}): Promise<RawHttp> {
    const raw = await RawHttp.open(url);
    raw.head(firstLine, headers);
    return raw;
  }

  head(firstLine: string, headers: Record<string, string | number> = {}): void {
    const lines = Object.entries(headers).map((line) => line.join(': '));
    this.socket.write([`${firstLine} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n'));
  }

  /** Waits for the head of the first answer. */
  async answer(): Promise<{ status: number; head: string }> {
    const head = await until('an answer', () => /^HTTP\/1\.1 [\s\S]*?\r\n\r\n/.exec(this.text)?.[0]);
    return { status: Number(head.split(' ')[1]), head };
  }

  async closed(deadlineMs = 10_000): Promise<void> {
    await until('the server has closed the connection', () => this.isClosed, deadlineMs);
  }
}
