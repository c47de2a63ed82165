import type { Reach } from './reach.js';

/** The ask of one instance to PostgreSQL for its share of a rate, under one key. */
export interface RateAsk {
  readonly key: string;
  /** The limit: how many all instances accept together per window. */
  readonly most: number;
  readonly windowMs: number;
  /** How many requests came per window, accepted or not. */
  readonly needed: number;
  /** How many the instance would like to be granted, to have some in hand. */
  readonly wanted: number;
  readonly holdMs: number;
}

export interface SharedRateOptions {
  /** The first word of the keys in the database, and the label in the metrics. */
  readonly name: string;
  /** How many are accepted per window; 0 means that there is no limit. */
  readonly limit: number;
  readonly windowMs: number;
  /** Returns how many instances share the limit, this one included, as far as this one knows. */
  readonly instances: () => number;
  /**
   * Leases a share that ends `holdMs` after `ask` was called, which happens right before the statement is sent.
   * @returns how many are granted per window
   */
  readonly lease: (ask: () => RateAsk) => Promise<number>;
  readonly reach: Reach;
  readonly onError: (error: unknown) => void;
  /** Returns the time in milliseconds, by a clock that only goes forward. */
  readonly now: () => number;
}

/**
 * When a share shrinks, its old size counts for a window and this much longer, which is how long the answer may take.
 * After that the instance knows that the answer is late.
 */
export const SLACK_MS = 500;
