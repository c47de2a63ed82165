import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '#limits';

export interface PendingConnectionsOptions {
  /** A maximum of 0 means that there is no limit. */
  readonly maxPerAddress: number;
  /** True for a trusted proxy, because its connections are those of many clients. */
  readonly isExempt: (address: string) => boolean;
  /** Called when a connection of this address was closed to make room for a newer one. */
  readonly onClosed: (address: string) => void;
}

/**
 * Knows for each address the TCP connections, from the accept on, that have neither shown a valid key nor become a
 * WebSocket. When an address has too many, its oldest one is closed: a slow client goes, and a quick one still comes
 * in, because many clients may share the address.
 */
export class PendingConnections {
  /** The sockets of an address stand in the order in which they came. */
  private readonly byAddress = new Map<string, Set<Socket>>();
  private readonly addresses = new WeakMap<Socket, string>();

  constructor(private readonly options: PendingConnectionsOptions) {}

  watch(server: Server): void {
    if (this.options.maxPerAddress === 0) return;
    server.on('connection', (socket: Socket) => this.add(socket));
    server.on('upgrade', ({ socket }: IncomingMessage) => this.release(socket));
  }

  /** Forgets a connection, which then counts no longer. */
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
