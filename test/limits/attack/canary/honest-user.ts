import { io, type Socket } from 'socket.io-client';
import type { EventPayload, RequestResult, WireError } from '#protocol';
import { tokenFor } from '../../../support/test-client.js';
import { until } from '../../../support/until.js';
import type { ExperienceLedger } from './experience-ledger.js';

type Answer = ({ ok: true } & RequestResult<'publish'>) | { ok: false; error: WireError };

interface Note {
  readonly from: string;
  readonly n: number;
}

const ANSWER_DEADLINE_MS = 15_000;
const COME_BACK_MS = 100;
/** The text of a note; its author is named beside it. */
const TEXT = 'x'.repeat(150);

/** A publish of which the answer or the delivery is still to come. */
interface Pending {
  readonly dueAt: number;
  readonly ledger: ExperienceLedger;
  isAnswered: boolean;
  isDelivered: boolean;
}

/**
 * A user who publishes to a friend's inbox a few times a second, and reads its own inbox. It behaves as the README
 * says.
 */
export class HonestUser {
  private readonly socket: Socket;
  private readonly pending = new Map<number, Pending>();
  private friend: HonestUser = this;
  /** The user whose notes this user receives. */
  private writer: HonestUser = this;
  private lastN = 0;
  private isLeaving = false;

  constructor(
    url: string,
    readonly name: string,
    /** Gives the ledger of the present phase. */
    private readonly ledger: () => ExperienceLedger,
  ) {
    const auth = { token: tokenFor({ user: name, grants: ['publish:user:*'] }), deviceId: 'phone' };
    this.socket = io(url, { transports: ['websocket'], forceNew: true, auth, reconnectionDelay: COME_BACK_MS });
    this.socket.on('messages', (packet: EventPayload<'messages'>) => this.read(packet));
    this.socket.on('gap', ({ ack }: EventPayload<'gap'>) => this.socket.emit('ack', ack));
    this.socket.on('disconnect', () => this.comeBack());
  }

  /** Sends this user's notes to the friend from now on; the friend confirms each of them. */
  befriend(friend: HonestUser): void {
    this.friend = friend;
    friend.writer = this;
  }

  async whenReady(): Promise<void> {
    await until(`${this.name} is ready`, () => this.socket.connected);
  }

  /**
   * Publishes a note.
   * @param dueAt when it should have been sent; latencies count from then, because the canary is late as well when
   * everything is late
   */
  publish(dueAt: number): void {
    const n = ++this.lastN;
    const ledger = this.ledger();
    const pending: Pending = { dueAt, ledger, isAnswered: false, isDelivered: false };
    this.pending.set(n, pending);
    ledger.published += 1;
    const data = { from: this.name, n, text: TEXT };
    const message = { channel: `user:${this.friend.name}`, type: 'note', data, publishId: `${this.name}-${n}` };
    this.socket.timeout(ANSWER_DEADLINE_MS).emit('publish', message, (error: Error | null, answer?: Answer) => {
      if (!error && answer?.ok) return this.noteAnswer(n, pending);
      ledger.refuse(answer?.ok === false ? `publish: ${answer.error.code}` : 'publish: no answer');
      this.pending.delete(n);
    });
  }

  /**
   * Resolves when everything was answered and delivered, or the time is up.
   * @returns how many notes were not
   */
  async settle(deadlineMs: number): Promise<number> {
    const isSettled = (): boolean => this.pending.size === 0;
    await until('everything has come', isSettled, deadlineMs).catch(() => undefined);
    return this.pending.size;
  }

  leave(): void {
    this.isLeaving = true;
    this.socket.close();
  }

  private noteAnswer(n: number, pending: Pending): void {
    pending.ledger.answers.add(performance.now() - pending.dueAt);
    pending.isAnswered = true;
    this.forget(n, pending);
  }

  /** Notes that the friend has read a note. */
  private confirm(n: number): void {
    const pending = this.pending.get(n);
    if (!pending || pending.isDelivered) return;
    pending.isDelivered = true;
    pending.ledger.deliveries.add(performance.now() - pending.dueAt);
    this.forget(n, pending);
  }

  private forget(n: number, { isAnswered, isDelivered }: Pending): void {
    if (isAnswered && isDelivered) this.pending.delete(n);
  }

  private read({ messages, ack }: EventPayload<'messages'>): void {
    for (const { data } of messages) {
      const { from, n } = (data ?? {}) as Partial<Note>;
      if (from === this.writer.name && n !== undefined) this.writer.confirm(n);
    }
    this.socket.emit('ack', ack);
  }

  private comeBack(): void {
    if (this.isLeaving) return;
    this.ledger().connectionsLost += 1;
    // Socket.IO reconnects by itself, except after the server has disconnected it.
    if (!this.socket.active) setTimeout(() => this.socket.connect(), COME_BACK_MS);
  }
}
