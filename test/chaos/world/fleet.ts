import { until } from '../../support/until.js';
import { Slot, type SlotOptions } from './slot.js';

/** Starting takes a second or two. It takes longer on a busy machine, and when the database has just come back. */
const SERVING_DEADLINE_MS = 60_000;

/** All instances of a run. */
export class ChaosFleet {
  private constructor(readonly slots: readonly Slot[]) {}

  static async make(count: number, options: Omit<SlotOptions, 'index'>): Promise<ChaosFleet> {
    const indexes = Array.from({ length: count }, (_, index) => index + 1);
    return new ChaosFleet(await Promise.all(indexes.map((index) => Slot.make({ ...options, index }))));
  }

  async open(): Promise<void> {
    for (const slot of this.slots) slot.open();
    await this.whenAllServe();
  }

  async whenAllServe(): Promise<void> {
    await until('all instances serve', () => this.slots.every(({ isServing }) => isServing), SERVING_DEADLINE_MS);
  }

  get serving(): Slot[] {
    return this.slots.filter(({ isServing }) => isServing);
  }

  /** The ids of the instances that serve. */
  get ids(): string[] {
    return this.serving.map(({ instance }) => instance?.id ?? '');
  }

  async close(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.close()));
  }
}
