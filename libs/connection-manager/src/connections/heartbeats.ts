import type { Database } from '#database';
import type { Registry } from './registry.js';
import { Repeater } from '../repeater.js';
import { WRITE_HEARTBEATS } from './sql/write-heartbeats.sql.js';

export interface HeartbeatsOptions {
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Signs of life of this instance's connections are noted in memory and written rarely, all in one statement. If there
 * were none, nothing is written.
 */
export class Heartbeats {
  /** Maps connection ids to the time of their last sign of life, by performance.now(). */
  private heard = new Map<string, number>();
  private readonly repeater: Repeater;

  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    { everyMs, onError }: HeartbeatsOptions,
  ) {
    this.repeater = new Repeater({ everyMs, run: () => this.write(), onError });
  }

  start(): void {
    this.repeater.start();
  }

  stop(): Promise<void> {
    return this.repeater.stop();
  }

  note(connectionId: string): void {
    this.heard.set(connectionId, performance.now());
  }

  async write(): Promise<void> {
    const heard = this.heard;
    this.heard = new Map();
    try {
      await this.writeDown(heard);
    } catch (error) {
      // Signs of life noted meanwhile are newer, so they win over those that could not be written.
      this.heard = new Map([...heard, ...this.heard]);
      throw error;
    }
  }

  private async writeDown(heard: ReadonlyMap<string, number>): Promise<void> {
    const beats = [...heard].flatMap(([connectionId, at]) => {
      const entry = this.registry.find(connectionId);
      return entry ? [{ entry, ageMs: performance.now() - at }] : [];
    });
    if (beats.length === 0) return;
    const [row] = await this.database.rows(WRITE_HEARTBEATS, [
      beats.map(({ entry }) => entry.user),
      beats.map(({ entry }) => entry.connectionId),
      beats.map(({ ageMs }) => ageMs),
    ]);
    const living = beats.filter(({ entry }) => this.registry.find(entry.connectionId));
    // Rows of living connections are missing, so somebody has removed them.
    if (living.length > (row?.written ?? 0)) await this.registry.rebuild();
  }
}
