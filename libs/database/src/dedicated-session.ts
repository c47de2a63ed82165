import type { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import { openSession } from './session-client.js';

export interface DedicatedSessionOptions {
  /** Undefined means that no such session is possible, because every way to the database leads through a pooler. */
  readonly url: string | undefined;
  readonly applicationName: string;
  /** Called after each loss, and after each attempt to reconnect that failed. */
  readonly onLost: (error: Error) => void;
  readonly heartbeatMs?: number;
  readonly heartbeatDeadlineMs?: number;
}

/** The session as its tenants see it while it is open. */
export interface OpenSession {
  /** The process that serves the session in PostgreSQL. */
  readonly backendPid: number;
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Hears what is notified on a channel, whose name has to be safe between double quotes. */
  listen(channel: string, onPayload: (payload: string) => void): Promise<void>;
}

/** Something that PostgreSQL keeps for as long as a session lives, such as a lock or a LISTEN. */
export interface SessionTenant {
  /**
   * Sets itself up in a session that was opened. If it returns false, it is asked again soon, because it waits for
   * something. If it throws, the session is given up and another one opened.
   */
  enter(session: OpenSession): Promise<boolean>;
  /** The session is gone, and all that was set up in it. It may be called several times. */
  leave(): void;
}

/** Reconnecting is so quick that peers, which see the lock missing, do not take this instance for dead meanwhile. */
const RECONNECT = { baseMs: 100, maxMs: 1_000 };
/** A tenant that could not enter tries again this soon. */
const ENTER_AGAIN_MS = 200;

/**
 * One session of PostgreSQL outside of the pools, opened again whenever it is lost, for as long as it takes. Its
 * tenants keep in it what lives as long as a session. TCP keepalive does not notice a cut cable while nothing is sent,
 * so the server is asked something every `heartbeatMs`, and the session given up when no answer comes.
 */
export class DedicatedSession {
  private readonly tenants: SessionTenant[] = [];
  private readonly waiting = new Set<SessionTenant>();
  private client: Client | undefined;
  private stopping = new AbortController();
  private loop: Promise<void> | undefined;

  constructor(private readonly options: DedicatedSessionOptions) {}

  get isPossible(): boolean {
    return this.options.url !== undefined;
  }

  /** Takes a tenant in, before the start. Tenants enter in the order in which they were taken in. */
  host(tenant: SessionTenant): void {
    this.tenants.push(tenant);
  }

  /** Resolves when it is open for the first time or stopped before that, and at once if no session is possible. */
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
        const session = await this.open();
        failures = 0;
        onFirst();
        await this.beatUntilLost(session);
      } catch (error) {
        failures++;
        loss = error;
      }
      for (const tenant of this.tenants) tenant.leave();
      this.discard();
      if (failures > 0 && !this.stopping.signal.aborted) {
        this.options.onLost(loss instanceof Error ? loss : new Error(String(loss)));
      }
      await this.pause(failures === 0 ? 0 : backoffMs(failures, RECONNECT));
    }
  }

  private async open(): Promise<OpenSession> {
    const { url, applicationName } = this.options;
    if (url === undefined) throw new Error('every way to the database leads through a pooler');
    const client = await openSession(
      { url, applicationName },
      { connectionTimeoutMillis: 3_000, query_timeout: this.options.heartbeatDeadlineMs ?? 5_000 },
    );
    this.client = client;
    client.on('error', () => this.discard());
    const session = sessionOf(client);
    for (const tenant of this.tenants) this.waiting.add(tenant);
    await this.beat(session);
    return session;
  }

  private async beatUntilLost(session: OpenSession): Promise<void> {
    const client = this.client;
    if (!client) throw new Error('the dedicated session ended');
    const lost = new Promise<never>((_, reject) => {
      client.once('end', () => reject(new Error('the dedicated session ended')));
    });
    // The promise is raced below; without this handler, a loss between two races would be an unhandled rejection.
    lost.catch((error: unknown) => error);
    while (!this.stopping.signal.aborted) {
      const waitMs = this.waiting.size > 0 ? ENTER_AGAIN_MS : (this.options.heartbeatMs ?? 10_000);
      await Promise.race([lost, this.pause(waitMs)]);
      if (this.stopping.signal.aborted) return;
      await Promise.race([lost, this.beat(session)]);
    }
  }

  /** Sends a heartbeat: the statements of the tenants that still have to enter, or a statement that does nothing. */
  private async beat(session: OpenSession): Promise<void> {
    if (this.waiting.size === 0) await session.query('select 1');
    for (const tenant of this.waiting) if (await tenant.enter(session)) this.waiting.delete(tenant);
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

function sessionOf(client: Client): OpenSession {
  return {
    backendPid: (client as unknown as { processID: number }).processID,
    async query<Row>(text: string, values: readonly unknown[] = []) {
      return (await client.query(text, [...values])).rows as Row[];
    },
    async listen(channel, onPayload) {
      client.on('notification', (heard) => {
        if (heard.channel === channel) onPayload(heard.payload ?? '');
      });
      await client.query(`listen "${channel}"`);
    },
  };
}
