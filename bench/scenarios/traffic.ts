import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { CpuMeter, perThing, total, type CpuUse } from '../cpu/cpu-meter.js';
import { machineMs } from '../cpu/proc.js';
import type { ClientPlan } from '../load/client.js';
import { LatencyHistogram } from '../load/latency-histogram.js';
import type { LoadGenerator } from '../load/load-generator.js';
import type { Checks, ConnectPlan, JoinPlan, Mark, Sent, TrafficPlan } from '../load/plan.js';
import type { RunningSystem } from '../peers/running-system.js';

const CONNECTS_AT_ONCE = 50;

/** Tells what one thread of the generator does. */
export interface ThreadPlan {
  readonly clients: readonly ClientPlan[];
  readonly joins: readonly JoinPlan[];
  readonly traffic: TrafficPlan;
}

export interface TrafficResult {
  readonly deliveriesPerSecond: number;
  /** Milliseconds from when a message should have been sent until its receiver had it. */
  readonly latencyMs: (percent: number) => number;
  /** Milliseconds from when a message should have been sent until its publisher had the answer. */
  readonly answerMs: (percent: number) => number;
  /** Microseconds of CPU time for each delivery. */
  readonly cpu: CpuUse;
  /**
   * The cores that other programs used meanwhile: work on the machine that has nothing to do with the system measured.
   */
  readonly elsewhere: number;
  readonly checks: Checks;
}

/** Connects, warms up, measures, waits until everything has arrived, accounts for all of it, and disconnects. */
export async function runTraffic(
  bench: Bench,
  system: RunningSystem,
  threads: readonly ThreadPlan[],
): Promise<TrafficResult> {
  const load = await bench.startLoad();
  try {
    const planOf = (thread: number): ThreadPlan => threads[thread] as ThreadPlan;
    await load.each('connect', (thread) => connectPlan(bench, system, planOf(thread).clients));
    await load.each('join', (thread) => planOf(thread).joins);
    await load.each('start', (thread) => planOf(thread).traffic);
    await delay(bench.options.warmupSeconds * 1_000);
    const window = await measureWindow(bench, system, load);
    const sent: Sent = (await load.each('stop', () => undefined)).flat();
    const checks = sumChecks(await load.each('check', () => sent));
    await load.each('disconnect', () => undefined);
    return { ...window, checks };
  } finally {
    await load.stop();
  }
}

/** Makes the plan by which a thread connects its clients. */
export function connectPlan(
  { jwtSecret, options }: Bench,
  { wire }: RunningSystem,
  clients: readonly ClientPlan[],
  concurrency = CONNECTS_AT_ONCE,
): ConnectPlan {
  return { wire, secret: jwtSecret, usesPublishIds: options.usesPublishIds, clients, concurrency };
}

async function measureWindow(
  bench: Bench,
  system: RunningSystem,
  load: LoadGenerator,
): Promise<Omit<TrafficResult, 'checks'>> {
  const meter = await meterOf(bench, system, load);
  const before = await load.each('mark', () => undefined);
  const [cpuBefore, machineBefore, startedAt] = [await meter.read(), await machineMs(), performance.now()];
  await delay(bench.options.seconds * 1_000);
  const after = await load.each('mark', () => undefined);
  const [cpuAfter, machineAfter, endedAt] = [await meter.read(), await machineMs(), performance.now()];
  const elsewhereMs = machineAfter - machineBefore - (total(cpuAfter) - total(cpuBefore));
  const count = (marks: readonly Mark[]): number => marks.reduce((sum, { delivered }) => sum + delivered, 0);
  return {
    deliveriesPerSecond: after.reduce((sum, mark, thread) => sum + rateBetween(before[thread], mark), 0),
    latencyMs: (percent) =>
      LatencyHistogram.percentile(
        after.map(({ latencies }) => latencies),
        percent,
      ),
    answerMs: (percent) =>
      LatencyHistogram.percentile(
        after.map(({ answers }) => answers),
        percent,
      ),
    elsewhere: Math.max(0, elsewhereMs) / (endedAt - startedAt),
    cpu: perThing(cpuBefore, cpuAfter, count(after) - count(before)),
  };
}

/** Computes the rate by the thread's own clock, because asking a busy thread may take a while. */
function rateBetween(before: Mark | undefined, after: Mark): number {
  if (!before) return 0;
  return ((after.delivered - before.delivered) * 1_000) / (after.atMs - before.atMs);
}

async function meterOf(bench: Bench, system: RunningSystem, load: LoadGenerator): Promise<CpuMeter> {
  const { postgres, redis } = await bench.infrastructure.pids();
  return new CpuMeter([
    ...system.pids.map((pid) => ({ name: 'servers', pid })),
    ...(postgres === undefined ? [] : [{ name: 'postgres', pid: postgres, withChildren: true }]),
    ...(redis === undefined ? [] : [{ name: 'redis', pid: redis }]),
    { name: 'load', pid: load.pid },
  ]);
}

export function sumChecks(all: readonly Checks[]): Checks {
  const reason = all.find((checks) => checks.reason !== undefined)?.reason;
  const sum = (key: 'expected' | 'lost' | 'duplicated' | 'disordered' | 'refused'): number =>
    all.reduce((total, checks) => total + checks[key], 0);
  return {
    expected: sum('expected'),
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    disordered: sum('disordered'),
    refused: sum('refused'),
    ...(reason === undefined ? {} : { reason }),
  };
}
