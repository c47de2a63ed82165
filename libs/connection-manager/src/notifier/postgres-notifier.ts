import { withRetry, type Database, type DedicatedSession, type OpenSession, type SessionTenant } from '#database';
import { decodeHint, encodeHint, type AddressedHint } from './hint.js';
import { Notifier, type NotifierState } from './notifier.port.js';
import { ANNOUNCE_INSTANCE, notifyChannelOf, TELL_INSTANCES, WAKE_READERS } from './sql/notify.sql.js';

export interface PostgresNotifierOptions {
  readonly instanceId: string;
  /** Returns true if there are other instances, as far as this one knows. */
  readonly hasPeers: () => boolean;
  /** Called when a hint was given up. */
  readonly onError: (error: unknown) => void;
}

/** A hint that could not be sent for this long is given up, because the polls of the others find what it tells of. */
const GIVE_UP_MS = 2_000;

/**
 * The driver by NOTIFY and LISTEN. Each instance listens on a channel of its own, in the dedicated session. A NOTIFY
 * takes a lock of the whole cluster at its commit, so it stands in statements of its own, after what it tells of.
 */
export class PostgresNotifier extends Notifier implements SessionTenant {
  state: NotifierState = 'lost';

  constructor(
    private readonly database: Database,
    session: DedicatedSession,
    private readonly options: PostgresNotifierOptions,
  ) {
    super();
    session.host(this);
  }

  get hasAudience(): boolean {
    return this.options.hasPeers();
  }

  async wakeReaders(channels: readonly string[]): Promise<number> {
    const [row] = await this.database.rows('wake', WAKE_READERS, [channels, this.options.instanceId]);
    return row?.sent ?? 0;
  }

  async tell(hints: readonly AddressedHint[]): Promise<void> {
    const others = hints.filter(({ to }) => to !== this.options.instanceId);
    const notes = others.flatMap(({ to, hint }) => encodeHint(hint).map((payload) => ({ to, payload })));
    if (notes.length === 0) return;
    const values = [notes.map(({ to }) => to), notes.map(({ payload }) => payload)];
    await this.send(() => this.database.rows('wake', TELL_INSTANCES, values));
  }

  async announce(): Promise<void> {
    const values = [this.options.instanceId, ...encodeHint({ kind: 'peer-joined' })];
    await this.send(() => this.database.rows('wake', ANNOUNCE_INSTANCE, values));
  }

  async enter(session: OpenSession): Promise<boolean> {
    await session.listen(notifyChannelOf(this.options.instanceId), (payload) => this.hear(payload));
    this.state = 'listening';
    this.emit('listening');
    return true;
  }

  leave(): void {
    if (this.state === 'lost') return;
    this.state = 'lost';
    this.emit('lost');
  }

  private hear(payload: string): void {
    const hint = decodeHint(payload);
    if (hint?.kind === 'channels') this.emit('channels', hint.channels);
    else if (hint) this.emit(hint.kind);
  }

  private async send(notify: () => Promise<unknown>): Promise<void> {
    try {
      await withRetry(notify, { deadlineMs: GIVE_UP_MS });
    } catch (error) {
      this.options.onError(error);
    }
  }
}
