import type { Socket } from 'socket.io';
import type { ClientTransport, MessageBatch } from '#delivery';
import type { EventName, EventPayload, ProtocolError } from '#protocol';
import { engineSocketOf, isEngineKnown, type EngineSocket } from './engine-internals.js';
import type { GatewayMetrics } from '../../gateway-metrics.js';
import { errorFrame, eventFrame, messagesFrame, resultFrame } from './websocket-frame.js';

/** How long the last words to a client that is cut off may take to reach the network. */
const LAST_WORDS_MS = 1_000;

/** The sockets that have something to send at the end of this turn of the event loop. */
let waiting: SocketTransport[] = [];

function sendAll(): void {
  const transports = waiting;
  waiting = [];
  for (const transport of transports) transport.flushContained();
}

export interface SocketTransportOwner {
  /** Called when an answer could not be encoded. */
  onUnsent(error: unknown): void;
  /** Called when something could not be handed to the network. */
  fail(error: unknown): void;
  /** Called when the network did not take all that it was handed. */
  onBehind(): void;
}

/** Sends to one Socket.IO socket. Frames that are handed over in one turn of the event loop leave with one write. */
export class SocketTransport implements ClientTransport {
  /** The frames of this turn. Undefined while there is nothing to send, which is most of the time. */
  private frames: Buffer[] | undefined;
  private frameBytes = 0;
  private readonly conn: EngineSocket;
  /**
   * True if the network did not take all that was sent last. False means that both buffers below this one are empty.
   * Reading their sizes for each message would be slow, because it touches six objects that were last used turns ago.
   */
  private isBehind = false;
  private isCutOff = false;

  constructor(
    private readonly socket: Socket,
    private readonly metrics: GatewayMetrics,
    private readonly owner: SocketTransportOwner,
  ) {
    this.conn = engineSocketOf(socket);
  }

  /** The bytes that the network has not taken. Engine.IO's queue is empty while `ws` takes all, so `ws` counts, too. */
  get bufferedBytes(): number {
    if (!this.isBehind) return this.frameBytes;
    const { writeBuffer, transport } = this.conn;
    let bytes = this.frameBytes + (transport.socket?.bufferedAmount ?? 0);
    for (const { options } of writeBuffer) bytes += options?.wsPreEncodedFrame?.[0]?.length ?? 0;
    return bytes;
  }

  ready(payload: EventPayload<'ready'>): void {
    this.emit('ready', payload);
  }

  messages(batch: MessageBatch): void {
    this.send(batch.encodeOnce(messagesFrame));
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

  ended(payload: EventPayload<'ended'>): void {
    this.emit('ended', payload);
  }

  tokenExpiring(payload: EventPayload<'token_expiring'>): void {
    this.emit('token_expiring', payload);
  }

  reconnect(payload: EventPayload<'reconnect'>): void {
    this.emit('reconnect', payload);
  }

  /** Answers the request that carried this id. @returns the bytes of the answer */
  answer(id: number, result: object): number {
    try {
      const frame = resultFrame(id, result);
      this.send(frame);
      return frame.length;
    } catch (error) {
      // A body nested too deep for the encoder must cost one answer, not the process.
      this.owner.onUnsent(error);
      return 0;
    }
  }

  /** Answers the request that carried this id with an error. */
  refuse(id: number, error: ProtocolError): void {
    this.send(errorFrame(id, error.toWire()));
  }

  close(error: ProtocolError): void {
    this.metrics.closings.inc(error.errorName);
    this.emit('closing', error.toWire());
    if (error.retryable) this.hangUp();
    else {
      this.flush();
      this.socket.disconnect(true);
    }
  }

  /** Ends the transport, after which a Socket.IO client reconnects by itself; after disconnect() it never would. */
  hangUp(): void {
    this.flush();
    this.socket.conn.close();
  }

  /**
   * Closes the connection of a client from which nothing more is taken, and tells it why if its network takes that. The
   * transport ends whether or not the client answers: `ws` alone would wait for 30 s, and hold what it could not send.
   */
  cutOff(error: ProtocolError): void {
    if (this.isCutOff) return;
    this.isCutOff = true;
    const ws = this.conn.transport.socket;
    ws?.pause();
    this.close(error);
    setTimeout(() => ws?.terminate(), LAST_WORDS_MS).unref();
  }

  /**
   * Takes a ping as answered and goes on to the next. The pongs of a paused client are not read, so Engine.IO would
   * take it for dead; and as Engine.IO pings again only after a pong, the client would take the server for dead.
   */
  assumePong(): void {
    const { conn } = this;
    if (conn.pingTimeoutTimer === null) return;
    clearTimeout(conn.pingTimeoutTimer);
    conn.pingTimeoutTimer = null;
    conn.pingIntervalTimer?.refresh();
  }

  /** Sends without throwing, because an error of one socket must not keep the others from being sent to. */
  flushContained(): void {
    try {
      this.flush();
    } catch (error) {
      this.owner.fail(error);
    }
  }

  flush(): void {
    const { frames } = this;
    if (!frames) return;
    const [first] = frames;
    const bytes = frames.length === 1 && first ? first : Buffer.concat(frames, this.frameBytes);
    this.frames = undefined;
    this.frameBytes = 0;
    const { readyState, writeBuffer, transport } = this.conn;
    const ws = transport.socket;
    // Unless something waits in Engine.IO's queue, the bytes go to `ws` directly. Engine.IO would send them there after
    // five events and as many objects.
    if (isEngineKnown && readyState === 'open' && writeBuffer.length === 0 && ws) {
      ws._sender.sendFrame([bytes]);
      this.isBehind = ws.bufferedAmount > 0;
    } else {
      const { conn } = this.socket;
      // The empty text is what a transport without frames would send, but there is none.
      conn.write('', { wsPreEncodedFrame: [bytes] } as Parameters<typeof conn.write>[1]);
      this.isBehind = true;
    }
    if (this.isBehind) this.owner.onBehind();
  }

  private emit<N extends EventName>(event: N, payload: EventPayload<N>): void {
    this.send(eventFrame(event, payload));
  }

  private send(frame: Buffer): void {
    // This runs after the promises that are settled in this turn of the event loop.
    if (waiting.length === 0) process.nextTick(sendAll);
    if (this.frames) this.frames.push(frame);
    else {
      this.frames = [frame];
      waiting.push(this);
    }
    this.frameBytes += frame.length;
  }
}
