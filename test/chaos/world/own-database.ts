import { OwnPostgres } from '../../support/own-postgres.js';
import type { ChaosProxy } from '../net/chaos-proxy.js';
import { pause } from './pause.js';

/** The PostgreSQL of a run. The proxies before it refuse connections while it is down, as it would itself. */
export class OwnDatabase {
  private proxies: readonly ChaosProxy[] = [];
  private isUp = true;

  private constructor(private readonly postgres: OwnPostgres) {}

  static async start(): Promise<OwnDatabase> {
    return new OwnDatabase(await OwnPostgres.start());
  }

  get url(): string {
    return this.postgres.url;
  }

  putBehind(proxies: readonly ChaosProxy[]): void {
    this.proxies = proxies;
  }

  query<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return this.postgres.query<Row>(text, values);
  }

  /** `immediate` as a crash, `fast` as an operator's stop; away for a time, and back. */
  async bounce(how: 'immediate' | 'fast', awayMs: number, signal: AbortSignal): Promise<void> {
    await (how === 'immediate' ? this.postgres.crash() : this.postgres.shutDown());
    this.isUp = false;
    for (const proxy of this.proxies) proxy.refuse();
    try {
      await pause(awayMs, signal);
    } finally {
      await this.heal();
    }
  }

  /** Starts it again if it is down. */
  async heal(): Promise<void> {
    if (this.isUp) return;
    await this.postgres.startAgain();
    this.isUp = true;
    await Promise.all(this.proxies.map((proxy) => proxy.accept()));
  }

  /** Whoever is still connected. */
  async remove(): Promise<void> {
    if (this.isUp) await this.postgres.shutDown();
    await this.postgres.remove();
  }
}
