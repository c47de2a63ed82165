import type { Socket } from 'socket.io';
import type { Outlet } from '#delivery';
import type { EventName, EventPayload, Fault } from '#protocol';

/** The parts of Engine.IO's socket that tell what it has not sent yet; its types keep them private. */
interface EngineSocket {
  readonly writeBuffer: readonly { readonly data?: unknown }[];
  readonly transport: { readonly socket?: { readonly bufferedAmount?: number } };
}

/** Sends to one Socket.IO socket. */
export class SocketOutlet implements Outlet {
  constructor(
    private readonly socket: Socket,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Engine.IO's queue is empty while `ws` takes everything, so what `ws` itself holds counts too. */
  get bufferedBytes(): number {
    const { writeBuffer, transport } = this.socket.conn as unknown as EngineSocket;
    let bytes = transport.socket?.bufferedAmount ?? 0;
    for (const { data } of writeBuffer) bytes += typeof data === 'string' ? data.length : 0;
    return bytes;
  }

  ready(payload: EventPayload<'ready'>): void {
    this.emit('ready', payload);
  }

  messages(payload: EventPayload<'messages'>): void {
    this.emit('messages', payload);
  }

  gap(payload: EventPayload<'gap'>): void {
    this.emit('gap', payload);
  }

  membership(payload: EventPayload<'membership'>): void {
    this.emit('membership', payload);
  }

  presence(payload: EventPayload<'presence'>): void {
    this.emit('presence', payload);
  }

  tokenExpiring(payload: EventPayload<'token_expiring'>): void {
    this.emit('token_expiring', payload);
  }

  reconnect(payload: EventPayload<'reconnect'>): void {
    this.emit('reconnect', payload);
  }

  close(fault: Fault): void {
    this.emit('closing', fault.toWire());
    if (fault.retryable) this.hangUp();
    else this.socket.disconnect(true);
  }

  /** Ends the transport, after which a Socket.IO client reconnects by itself; after disconnect() it never would. */
  hangUp(): void {
    this.socket.conn.close();
  }

  /** The encoder may throw (a body nested too deep for its stack): that must cost one packet, not the process. */
  private emit<N extends EventName>(event: N, payload: EventPayload<N>): void {
    try {
      this.socket.emit(event, payload);
    } catch (error) {
      this.onError(error);
    }
  }
}
