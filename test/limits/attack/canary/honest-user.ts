import { io, type Socket } from 'socket.io-client';
import type { EventPayload, RequestResult, WireError } from '#protocol';
import { tokenFor } from '../../../support/test-client.js';
import { until } from '../../../support/until.js';
import type { Ledger } from './ledger.js';

type Answer = ({ ok: true } & RequestResult<'publish'>) | { ok: false; error: WireError };

interface Note {
  readonly from: string;
  readonly n: number;
}

const ANSWER_DEADLINE_MS = 15_000;
const COME_BACK_MS = 100;
/** What a note says, beside who wrote it. */
const TEXT = 'x'.repeat(150);

/** A publish of which the answer or the delivery is still to come. */
interface Pending {
  readonly dueAt: number;
  readonly ledger: Ledger;
  isAnswered: boolean;
  isDelivered: boolean;
}

/** Who publishes to a friend's inbox a few times a second, and reads its own. It behaves as the README says. */
export class HonestUser {
  private readonly socket: Socket;
  private readonly pending = new Map<number, Pending>();
  private friend: HonestUser = this;
  /** Whose notes come to it. */
  private writer: HonestUser = this;
  private lastN = 0;
  private isLeaving = false;

  constructor(
    url: string,
    readonly name: string,
    /** Of the phase that runs. */
    private readonly ledger: () => Ledger,
  ) {
    const auth = { token: tokenFor({ user: name, grants: ['publish:user:*'] }), deviceId: 'phone' };
    this.socket = io(url, { transports: ['websocket'], forceNew: true, auth, reconnectionDelay: COME_BACK_MS });
    this.socket.on('messages', (packet: EventPayload<'messages'>) => this.read(packet));
    this.socket.on('gap', ({ ack }: EventPayload<'gap'>) => this.socket.emit('ack', ack));
    this.socket.on('disconnect', () => this.comeBack());
  }

  /** Its notes go to the other, who tells it of each. */
  befriend(friend: HonestUser): void {
    this.friend = friend;
    friend.writer = this;
  }

  async whenReady(): Promise<void> {
    await until(`${this.name} is ready`, () => this.socket.connected);
  }

  /** @param dueAt when it should have been sent: who measures is late as well when everything is late */
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

  /** Resolves when everything was answered and delivered, or its time is up. @returns how many were not */
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

  /** Its friend has read it. */
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
    // Socket.IO comes back by itself, but not after the server has said goodbye.
    if (!this.socket.active) setTimeout(() => this.socket.connect(), COME_BACK_MS);
  }
}
