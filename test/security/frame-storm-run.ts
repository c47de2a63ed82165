import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../support/seeded.js';
import type { Server } from '../support/server.js';
import { TestClient } from '../support/test-client.js';
import { query } from '../support/test-database.js';
import { until } from '../support/until.js';
import { Stranger } from './attacker.js';
import { makeSequence, type Step } from './frame-sequence.js';

export interface StormOptions {
  readonly server: Server;
  readonly databaseUrl: string;
  readonly seed: number;
  /** Number of the first sequence: a single one is repeated by its own number. */
  readonly first?: number;
  readonly sequences: number;
  /** Ends early after so long. */
  readonly maxMs?: number;
  readonly onProgress?: (done: number) => void;
}

export interface StormResult {
  readonly seed: number;
  readonly sequences: number;
  readonly frames: number;
  /** Transports that reached `ready`. */
  readonly letIn: number;
  readonly seconds: number;
  readonly canaryRounds: number;
  readonly slowestCanaryMs: number;
  /** What must not be; empty if all went well. */
  readonly faults: readonly string[];
}

/** As a server for this storm is started: with fewer places than it needs if it gives one back too few. */
export const STORM_PLACES = 100;
export const STORM_ENV = { MAX_CONNECTIONS: String(STORM_PLACES), METRICS: 'on', PING_TIMEOUT_MS: '5000' };

const AT_ONCE = 24;
const CANARY_EVERY_MS = 50;
const CANARY_MAX_MS = 1_000;
const READY_WAIT_MS = 500;
const GONE_WITHIN_MS = 15_000;
/** After so many there is nothing more to learn. */
const FAULTS_MAX = 10;
/** pino's `error`. */
const ERROR = 50;

/** Random sequences of frames, each on a transport of its own, against one server with one well-behaved client. */
export async function runFrameStorm(options: StormOptions): Promise<StormResult> {
  return new FrameStorm(options).run();
}

class FrameStorm {
  private frames = 0;
  private letIn = 0;
  private done = 0;
  private next: number;
  private isOver = false;
  private slowestCanaryMs = 0;
  private canaryRounds = 0;
  private readonly faults: string[] = [];
  private readonly startedAt = performance.now();

  constructor(private readonly options: StormOptions) {
    this.next = options.first ?? 0;
  }

  async run(): Promise<StormResult> {
    const { server, seed } = this.options;
    const canary = await TestClient.connect(server.url, { user: 'canary' });
    const singing = this.sing(canary);
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.work()));
    this.isOver = true;
    await singing;
    await this.check(canary);
    canary.close();
    const { frames, letIn, slowestCanaryMs, canaryRounds, faults, done } = this;
    const seconds = Math.round((performance.now() - this.startedAt) / 100) / 10;
    return { seed, sequences: done, frames, letIn, seconds, canaryRounds, slowestCanaryMs, faults };
  }

  private async work(): Promise<void> {
    const { first = 0, sequences, maxMs = Infinity, server, onProgress } = this.options;
    const isTime = (): boolean => performance.now() - this.startedAt < maxMs && this.faults.length < FAULTS_MAX;
    while (this.next < first + sequences && isTime() && server.isRunning) {
      const number = this.next++;
      await this.play(number).catch((error: unknown) => this.blame(`sequence ${number}: ${String(error)}`));
      this.done += 1;
      onProgress?.(this.done);
    }
  }

  private async play(number: number): Promise<void> {
    const { seed, server } = this.options;
    const { steps, ending } = makeSequence(seeded(seed + number), `storm-${number}`);
    const stranger = await Stranger.come(server.url);
    for (const step of steps) {
      if (stranger.isHungUp) break;
      await this.take(stranger, step);
    }
    if (isReady(stranger)) this.letIn += 1;
    if (ending === 'reset') stranger.reset();
    else stranger.leave();
  }

  private async take(stranger: Stranger, step: Step): Promise<void> {
    if (step.do === 'pause') await delay(step.ms);
    else if (step.do === 'await ready') await readyOrHungUp(stranger);
    else {
      this.frames += step.do === 'send' ? step.frames.length : 1;
      if (step.do === 'raw') stranger.sendRaw(step.bytes);
      else stranger.sendAtOnce(step.frames);
    }
  }

  /** The well-behaved client publishes to itself, and waits for it, again and again. */
  private async sing(canary: TestClient): Promise<void> {
    while (!this.isOver && canary.socket.connected) {
      const startedAt = performance.now();
      const { seq } = await canary.must('publish', { channel: 'user:canary', type: 'song', data: this.canaryRounds });
      await until('the canary hears itself', () => canary.received.at(-1)?.seq === seq);
      this.canaryRounds += 1;
      this.slowestCanaryMs = Math.max(this.slowestCanaryMs, Math.round(performance.now() - startedAt));
      await delay(CANARY_EVERY_MS);
    }
  }

  private async check(canary: TestClient): Promise<void> {
    const { server } = this.options;
    if (!server.isRunning) this.blame('the process has ended');
    if (!canary.socket.connected) this.blame(`the canary was thrown off: ${canary.disconnectReason ?? ''}`);
    if (this.slowestCanaryMs >= CANARY_MAX_MS) this.blame(`a round trip of the canary took ${this.slowestCanaryMs} ms`);
    for (const line of server.lines.filter(isError).slice(0, 5)) this.blame(`in the log: ${line.slice(0, 1_000)}`);
    if (server.isRunning) await this.checkLeaks().catch((error: unknown) => this.blame(String(error)));
  }

  /** Everything is back to the canary alone: rows, connections, and every place but one is free. */
  private async checkLeaks(): Promise<void> {
    const { server, databaseUrl } = this.options;
    const count = (sql: string): Promise<number> =>
      query<{ count: number }>(databaseUrl, sql).then(([row]) => row?.count ?? NaN);
    const rows = async (): Promise<boolean> =>
      (await count('select count(*)::int from trunkline.connections')) === 1 &&
      (await count('select count(*)::int from trunkline.routes')) === 2;
    await until('the registry holds the canary alone', rows, GONE_WITHIN_MS);
    await until('its WebSockets are gone', async () => (await this.openTransports()) === 1, GONE_WITHIN_MS);
    const guests = await Promise.allSettled(
      Array.from({ length: STORM_PLACES - 1 }, (_, n) => TestClient.connect(server.url, { user: `guest-${n}` })),
    );
    const refused = guests.filter(({ status }) => status === 'rejected').length;
    for (const guest of guests) if (guest.status === 'fulfilled') guest.value.close();
    if (refused > 0) this.blame(`${refused} of ${STORM_PLACES} places were not given back`);
  }

  private async openTransports(): Promise<number> {
    const text = await (await fetch(`${this.options.server.url}/metrics`)).text();
    return Number(/^trunkline_transports(?:\{.*\})? (\d+)$/m.exec(text)?.[1] ?? NaN);
  }

  private blame(fault: string): void {
    this.faults.push(fault);
  }
}

function isReady({ heard }: Stranger): boolean {
  return heard.some((packet) => packet.startsWith('2["ready"'));
}

/** Waits a moment at most: many a sequence is never let in. */
async function readyOrHungUp(stranger: Stranger): Promise<void> {
  const endsAt = performance.now() + READY_WAIT_MS;
  const isOver = (): boolean => isReady(stranger) || stranger.isHungUp || performance.now() > endsAt;
  await until('it is ready, hung up on, or neither', isOver);
}

function isError(line: string): boolean {
  try {
    return ((JSON.parse(line) as { level?: number }).level ?? ERROR) >= ERROR;
  } catch {
    return true;
  }
}
