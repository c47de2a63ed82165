import { setTimeout as sleep } from 'node:timers/promises';
import { RequestFailed } from './client.js';
import type { Guest } from './guest.js';
import type { ReplayPlan, Step } from './replay-plan.js';

export interface ReplaySettings {
  readonly plan: ReplayPlan;
  readonly guests: ReadonlyMap<string, Guest>;
  /** Steps per second. */
  readonly rate: number;
  /** Called once, in the middle of the replay. */
  readonly atHalf: () => void;
  readonly note: (text: string) => void;
  /** Called with an error that ends the whole run, which would prove nothing without one of its users. */
  readonly fail: (error: unknown) => void;
}

/**
 * Limits the steps that have begun and not finished. A server that cannot keep up slows the replay down, and work does
 * not pile up.
 */
const UNFINISHED_MAX = 256;

/** Plays the log at its pace. Each user does one thing after the other; different users do not wait for each other. */
export class Replay {
  begun = 0;

  private unfinished = 0;
  private readonly turns = new Map<string, Promise<void>>();
  private readonly arrivals = new Map<string, Promise<void>>();

  constructor(private readonly settings: ReplaySettings) {}

  async run(signal: AbortSignal): Promise<void> {
    const { plan, atHalf } = this.settings;
    const startMs = performance.now();
    const half = Math.floor(plan.steps.length / 2);
    for (const [index, step] of plan.steps.entries()) {
      if (index === half) atHalf();
      await this.untilDue(startMs + (index / this.settings.rate) * 1000, signal);
      this.begin(step, signal);
    }
    await Promise.all(this.turns.values());
    signal.throwIfAborted();
  }

  private async untilDue(dueMs: number, signal: AbortSignal): Promise<void> {
    const early = dueMs - performance.now();
    // A timer has a resolution of a millisecond, so a shorter wait is not worth one.
    if (early > 1) await sleep(early, undefined, { signal });
    while (this.unfinished >= UNFINISHED_MAX) await sleep(5, undefined, { signal });
    signal.throwIfAborted();
  }

  private begin(step: Step, signal: AbortSignal): void {
    const { fail } = this.settings;
    const turn = this.turns.get(step.user) ?? Promise.resolve();
    this.begun++;
    this.unfinished++;
    const next = turn
      .then(() => (signal.aborted ? undefined : this.perform(step)))
      .catch((cause: unknown) => fail(new Error(`${step.user} ${step.kind}: ${String(cause)}`, { cause })))
      .finally(() => this.unfinished--);
    this.turns.set(step.user, next);
    if (step.kind === 'arrive' && !this.arrivals.has(step.user)) this.arrivals.set(step.user, next);
  }

  private async perform(step: Step): Promise<void> {
    const guest = this.settings.guests.get(step.user);
    if (!guest) throw new Error(`${step.user} is not on the guest list`);
    if (step.kind === 'arrive') await guest.arrive();
    else if (step.kind === 'depart') guest.depart();
    else await this.publish(guest, step);
  }

  private async publish(guest: Guest, { publication, addressee }: Step & { kind: 'publish' }): Promise<void> {
    // A device reads its inbox from its first connection on. Before that, nobody expects a message there.
    if (addressee !== undefined) await this.arrivals.get(addressee);
    try {
      await guest.publish(publication);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.settings.note(`line ${publication.data.line} could not be published: ${error.message}`);
    }
  }
}
