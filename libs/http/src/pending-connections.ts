import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '#limits';

export interface PendingConnectionsOptions {
  /** 0: any number. */
  readonly maxPerAddress: number;
  /** A trusted proxy, whose connections are those of many clients. */
  readonly isExempt: (address: string) => boolean;
  /** A connection had to give way. */
  readonly onClosed: (address: string) => void;
}

/**
 * The TCP connections of each address, from the accept on, that have neither shown a good key nor become a WebSocket. When
 * an address has as many as it may, the oldest of them gives way: what is slow goes, and a quick client behind the same
 * address, of which there may be many, still comes in.
 */
export class PendingConnections {
  /** In the order in which they came. */
  private readonly byAddress = new Map<string, Set<Socket>>();
  private readonly addresses = new WeakMap<Socket, string>();

  constructor(private readonly options: PendingConnectionsOptions) {}

  watch(server: Server): void {
    if (this.options.maxPerAddress === 0) return;
    server.on('connection', (socket: Socket) => this.add(socket));
    server.on('upgrade', ({ socket }: IncomingMessage) => this.release(socket));
  }

  /** It need not be watched any longer. */
  release(socket: Socket): void {
    const address = this.addresses.get(socket) ?? '';
    const pending = this.byAddress.get(address);
    pending?.delete(socket);
    if (pending?.size === 0) this.byAddress.delete(address);
  }

  private add(socket: Socket): void {
    const { maxPerAddress, isExempt } = this.options;
    const from = socket.remoteAddress ?? '';
    if (isExempt(from)) return;
    const address = networkOf(from);
    const pending = this.byAddress.get(address) ?? new Set();
    this.byAddress.set(address, pending.add(socket));
    this.addresses.set(socket, address);
    socket.once('close', () => this.release(socket));
    if (pending.size > maxPerAddress) this.closeOldest(pending, from);
  }

  private closeOldest(pending: ReadonlySet<Socket>, from: string): void {
    const [oldest] = pending;
    if (!oldest) return;
    this.release(oldest);
    oldest.destroy();
    this.options.onClosed(from);
  }
}
