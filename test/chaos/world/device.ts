import { EventEmitter, once } from 'node:events';
import { io, type Socket } from 'socket.io-client';
import type { EventPayload, RequestName, WireError } from '#protocol';
import type { Dice } from '../dice.js';
import type { Happening } from '../history/event.js';
import { Acknowledger } from './acknowledger.js';
import type { ProxiedLink } from './cable.js';
import { Mailbox, type Packet } from './mailbox.js';
import type { OpenWires } from './open-sockets.js';
import type { Slot } from './slot.js';

export interface Habits {
  readonly wantsConfirmation: boolean;
  /** True if the device hands over `resume` when it connects. */
  readonly resumes: boolean;
  /** The milliseconds that the application takes for a message batch. */
  readonly paceMs: number;
  readonly dedupes: boolean;
}

export interface DeviceOptions {
  readonly user: string;
  readonly deviceId: string;
  readonly token: string;
  readonly link: ProxiedLink;
  /**
   * Picks the instance to which a load balancer would send the device; the balancer may not know yet which are dead.
   */
  readonly pickSlot: () => Slot | undefined;
  readonly sockets: OpenWires;
  readonly record: (happening: Happening) => void;
  readonly dice: Dice;
  readonly habits: Habits;
}

/** Long enough for a busy instance, and short enough to leave a stopped one. */
const CONNECT_TIMEOUT_MS = 4_000;
const READY_TIMEOUT_MS = 8_000;

/**
 * One installation of a client. While it wants to be online, it reconnects whenever its connection breaks, to any
 * instance.
 */
export class Device {
  readonly name: string;
  isReady = false;
  /** If true, the device processes everything at once, whatever its pace. */
  isHurried = false;
  private readonly mailbox: Mailbox;
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private socket: Socket | undefined;
  private acknowledger: Acknowledger | undefined;
  private connection: string | undefined;
  private unread: Packet[] = [];
  private isReading = false;
  private isWanted = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: DeviceOptions) {
    this.name = `${options.user}/${options.deviceId}`;
    this.mailbox = new Mailbox({ device: this.name, record: options.record, dedupes: options.habits.dedupes });
  }

  /** The id of the connection; undefined while the device has none. */
  get connectionId(): string | undefined {
    return this.connection;
  }

  get link(): ProxiedLink {
    return this.options.link;
  }

  get isSlow(): boolean {
    return this.options.habits.paceMs > 0;
  }

  get isOnline(): boolean {
    return this.isWanted;
  }

  arrive(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.options.record({ event: 'arrive', device: this.name, isSlow: this.isSlow });
    this.open();
  }

  /** Leaves the servers. `abrupt` means that the connection breaks, and what is not acknowledged yet stays so. */
  leave(how: 'clean' | 'abrupt'): void {
    if (!this.isWanted) return;
    this.isWanted = false;
    this.options.record({ event: 'leave', device: this.name });
    if (how === 'clean') this.acknowledger?.flush();
    else this.link.proxy.resetAll();
    this.release('left');
  }

  /** Leaves this connection for another one. */
  moveOn(reason: string): void {
    this.release(reason);
    if (this.isWanted) this.reopen();
  }

  async whenReady(signal: AbortSignal): Promise<void> {
    while (!this.isReady) await once(this.changes, 'ready', { signal });
  }

  /**
   * Sends a request.
   * @throws Error if no answer comes on this connection in time
   */
  async ask(name: RequestName, payload: unknown, timeoutMs: number): Promise<unknown> {
    const { socket } = this;
    if (!socket || !this.isReady) throw new Error('not connected');
    return socket.timeout(timeoutMs).emitWithAck(name, payload) as Promise<unknown>;
  }

  private open(): void {
    const { link, pickSlot, token, deviceId, habits } = this.options;
    link.slot = pickSlot();
    const resume = habits.resumes ? { resume: this.mailbox.positions } : {};
    const socket = io(link.url, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      timeout: CONNECT_TIMEOUT_MS,
      auth: { token, deviceId, ...resume },
    });
    this.socket = socket;
    this.timer = setTimeout(() => this.moveOn('no ready'), READY_TIMEOUT_MS);
    socket.on('connect', () => this.connected(socket));
    socket.on('ready', (payload: EventPayload<'ready'>) => this.ready(payload));
    socket.on('messages', (payload: EventPayload<'messages'>) => this.receive({ kind: 'messages', payload }));
    socket.on('gap', (payload: EventPayload<'gap'>) => this.receive({ kind: 'gap', payload }));
    socket.on('reconnect', ({ afterMs }: EventPayload<'reconnect'>) => this.returnAfter(afterMs));
    socket.on('closing', (error: WireError) => this.refused(error));
    socket.on('disconnect', (reason) => this.moveOn(reason));
    socket.on('connect_error', (error: Error & { data?: WireError }) => {
      if (error.data) this.refused(error.data);
      this.moveOn(error.message);
    });
  }

  private connected(socket: Socket): void {
    const { latestConnection } = this.link.proxy;
    if (!latestConnection || socket.id === undefined) throw new Error('connected without a connection');
    this.connection = socket.id;
    this.options.sockets.opened(socket.id, latestConnection);
    const { wantsConfirmation } = this.options.habits;
    const { record } = this.options;
    this.acknowledger = new Acknowledger(socket, socket.id, { device: this.name, record, wantsConfirmation });
  }

  private ready({ connectionId: connection, channels }: EventPayload<'ready'>): void {
    clearTimeout(this.timer);
    this.isReady = true;
    this.options.sockets.ready(connection);
    const positions = Object.fromEntries(channels.map(({ channel, seq }) => [channel, seq]));
    const via = this.link.slot?.name ?? '';
    this.options.record({ event: 'open', device: this.name, connection, via, positions });
    this.changes.emit('ready');
  }

  /** The instance drains. A good client leaves before its connection is closed. */
  private returnAfter(afterMs: number): void {
    const { socket } = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.socket === socket) this.moveOn('asked to reconnect');
    }, afterMs);
  }

  private refused({ code, message, retryable }: WireError): void {
    if (!retryable) this.options.record({ event: 'trouble', what: `${this.name} was turned away: ${code} ${message}` });
  }

  private receive(packet: Packet): void {
    if (!this.isSlow) return this.read(packet);
    this.unread.push(packet);
    this.readOn();
  }

  /** Reads one message batch after the other, at the pace of the application. */
  private readOn(): void {
    if (this.isReading) return;
    const packet = this.unread.shift();
    if (!packet) return;
    this.isReading = true;
    const { connection } = this;
    setTimeout(
      () => {
        if (connection !== this.connection) return;
        this.isReading = false;
        this.read(packet);
        this.readOn();
      },
      this.isHurried ? 0 : this.options.habits.paceMs,
    );
  }

  private read(packet: Packet): void {
    if (this.connection === undefined) return;
    const ack = this.mailbox.take(this.connection, packet);
    this.acknowledger?.processed(ack);
  }

  private reopen(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), this.options.dice.between(20, 250));
  }

  private release(reason: string): void {
    const { socket, connection } = this;
    clearTimeout(this.timer);
    this.acknowledger?.stop();
    this.acknowledger = undefined;
    this.socket = undefined;
    this.connection = undefined;
    this.isReady = false;
    this.unread = [];
    this.isReading = false;
    if (connection !== undefined) {
      this.options.sockets.left(connection);
      this.options.record({ event: 'close', device: this.name, connection, reason });
    }
    socket?.removeAllListeners().disconnect();
  }
}
