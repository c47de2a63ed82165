import type { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import { openSession } from './session-client.js';

export interface ListenerOptions {
  /** Undefined means that there is no way to LISTEN, because every way to the database leads through a pooler. */
  readonly url: string | undefined;
  readonly applicationName: string;
  /** The NOTIFY channel; its name is made only of constants and checked instance ids. */
  readonly channel: string;
  /** The key of a session-level advisory lock, held while the connection lives: a proof of life for the peers. */
  readonly lockKey: readonly [number, number];
  readonly onNotification: (payload: string) => void;
  /** Called after every LISTEN, the first included, because notifications sent before it were not heard. */
  readonly onListening: () => void;
  /** Called whenever the lock was taken. */
  readonly onLocked: () => void;
  readonly onLost: (error: Error) => void;
  readonly heartbeatMs?: number;
  readonly heartbeatDeadlineMs?: number;
}

/** Reconnecting is so quick that peers, which see the lock missing, do not take this instance for dead meanwhile. */
const RECONNECT = { baseMs: 100, maxMs: 1_000 };
/** The lock is tried again this soon, because without it peers notice the death of this instance only by its lease. */
const LOCK_RETRY_MS = 200;

/** Ends our former session `$3` if it still holds the lock: the server may not know that its cable is cut. */
const END_FORMER = `
  select pg_terminate_backend(pid) from pg_locks
   where locktype = 'advisory' and classid = $1 and objid = $2 and pid = $3
     and database = (select oid from pg_database where datname = current_database())`;

/**
 * The dedicated LISTEN connection. TCP keepalive does not notice a cut cable while nothing is sent, so the listener
 * asks the server something every `heartbeatMs` and gives the connection up when no answer comes. Then it tries to
 * reconnect for as long as it takes.
 */
export class Listener {
  private client: Client | undefined;
  private stopping = new AbortController();
  private loop: Promise<void> | undefined;
  /** The backend process of the session that held the lock last. */
  private lockPid: number | undefined;
  holdsLock = false;
  isListening = false;

  constructor(private readonly options: ListenerOptions) {}

  get isPossible(): boolean {
    return this.options.url !== undefined;
  }

  /** Resolves when it first listens or is stopped before that, and at once if there is no way to LISTEN. */
  async start(): Promise<void> {
    if (!this.isPossible) return;
    await new Promise<void>((resolve) => {
      this.loop ??= this.run(resolve).finally(resolve);
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(onFirst: () => void): Promise<void> {
    let failures = 0;
    while (!this.stopping.signal.aborted) {
      let loss: unknown;
      try {
        await this.listen();
        failures = 0;
        onFirst();
        await this.beatUntilLost();
      } catch (error) {
        failures++;
        loss = error;
      }
      this.isListening = false;
      this.holdsLock = false;
      this.discard();
      if (failures > 0 && !this.stopping.signal.aborted) {
        this.options.onLost(loss instanceof Error ? loss : new Error(String(loss)));
      }
      await this.pause(failures === 0 ? 0 : backoffMs(failures, RECONNECT));
    }
  }

  private async listen(): Promise<void> {
    const { url, applicationName, channel } = this.options;
    if (url === undefined) throw new Error('there is no way to LISTEN');
    const client = await openSession(
      { url, applicationName },
      { connectionTimeoutMillis: 3_000, query_timeout: this.options.heartbeatDeadlineMs ?? 5_000 },
    );
    this.client = client;
    client.on('notification', ({ payload }) => this.options.onNotification(payload ?? ''));
    client.on('error', () => this.discard());
    await client.query(`listen "${channel}"`);
    await this.beat(client);
    this.isListening = true;
    this.options.onListening();
  }

  private async beatUntilLost(): Promise<void> {
    const client = this.client;
    if (!client) throw new Error('the LISTEN connection ended');
    const lost = new Promise<never>((_, reject) => {
      client.once('end', () => reject(new Error('the LISTEN connection ended')));
    });
    // The promise is raced below; without this handler, a loss between two races would be an unhandled rejection.
    lost.catch((error: unknown) => error);
    while (!this.stopping.signal.aborted) {
      await Promise.race([lost, this.pause(this.holdsLock ? (this.options.heartbeatMs ?? 10_000) : LOCK_RETRY_MS)]);
      if (this.stopping.signal.aborted) return;
      await Promise.race([lost, this.beat(client)]);
    }
  }

  /** Sends a heartbeat. It also takes the lock, if a lost session of ours still held it when this one began. */
  private async beat(client: Client): Promise<void> {
    if (this.holdsLock) {
      await client.query('select 1');
      return;
    }
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1, $2) as held', [
      ...this.options.lockKey,
    ]);
    this.holdsLock = rows[0]?.held === true;
    if (this.holdsLock) {
      this.lockPid = (client as unknown as { processID: number }).processID;
      this.options.onLocked();
    } else if (this.lockPid) await client.query(END_FORMER, [...this.options.lockKey, this.lockPid]);
  }

  /** Destroys the connection, because one whose packets get lost would never finish its goodbye. */
  private discard(): void {
    const client = this.client;
    this.client = undefined;
    if (!client) return;
    client
      .end()
      .catch((error: unknown) => this.options.onLost(error instanceof Error ? error : new Error(String(error))));
    const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
    stream.destroy();
  }

  private async pause(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.stopping.signal });
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }
}
