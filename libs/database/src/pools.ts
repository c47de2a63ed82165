import type { PoolConfig } from 'pg';
import { timeouts, type SessionSettings } from './session-settings.js';

/**
 * Separate small pools, so that load on one cannot starve another:
 * `append` · `hot` reads, registration and acknowledgements · `work` REST, joins · `wake` hints · `beat` the lease ·
 * `health` probes · `jobs` cleanup, whose statements may take longer: one connection for the lock, one for the work.
 */
export type PoolName = 'append' | 'hot' | 'work' | 'wake' | 'beat' | 'health' | 'jobs';

export interface PoolPlan {
  readonly max: number;
  readonly settings: SessionSettings;
  readonly more?: PoolConfig;
}

/**
 * A setting for statements over arrays, which the planner takes to have ten elements. For batches of fewer a custom
 * plan looks cheaper each time, and planning costs as much as the rest (46 µs of 105 for a hint, 71 of 109 for opening
 * a device).
 */
const PLAN_ONCE: SessionSettings = { plan_cache_mode: 'force_generic_plan' };
/** A setting for statements that look rows up: a plan made for an empty table must not read all of it once it grows. */
const BY_INDEX: SessionSettings = { enable_seqscan: 'off' };
const SESSION_LIMITS = timeouts(10_000, 5_000, 30_000);
const HOT = { ...SESSION_LIMITS, ...PLAN_ONCE, ...BY_INDEX };

export function planPools(poolSize: number): Readonly<Record<PoolName, PoolPlan>> {
  return {
    // Batches run one at a time, always in the same backend, so that it has what it needs in the processor's caches.
    append: { max: 1, settings: HOT },
    hot: { max: poolSize, settings: HOT },
    work: { max: poolSize, settings: SESSION_LIMITS },
    // A hint is not worth waiting for a disk: with synchronous_commit=off NOTIFY's commit record is not flushed.
    wake: { max: 1, settings: { ...SESSION_LIMITS, ...PLAN_ONCE, synchronous_commit: 'off' } },
    beat: { max: 1, settings: SESSION_LIMITS },
    // The timeouts are short, because a health check asks whether there is an answer at all.
    health: {
      max: 2,
      settings: { ...BY_INDEX, ...timeouts(2_000, 5_000, 30_000) },
      more: { connectionTimeoutMillis: 2_000, query_timeout: 2_500 },
    },
    jobs: { max: 2, settings: timeouts(30_000, 5_000, 600_000), more: { query_timeout: 32_000 } },
  };
}
