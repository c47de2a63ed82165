import { setMaxListeners } from 'node:events';
import { check, type Verdict } from './checker/check.js';
import type { Minimum } from './checker/system-invariants.js';
import { sabotageNamed } from './control/sabotage.js';
import { Dice } from './dice.js';
import { Nemesis } from './faults/nemesis.js';
import { FaultPlan } from './faults/plan.js';
import { ChaosEnvironment } from './fixtures/chaos-environment.js';
import { pause } from './fixtures/pause.js';
import { countPending, takeSnapshot } from './fixtures/take-snapshot.js';
import { HistoryFile, readHistory } from './history/history-file.js';
import type { ChaosOptions } from './options.js';

export interface Surroundings {
  readonly historyFile: string;
  readonly note: (text: string) => void;
  /** Receives what the instances log. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The time before the first fault, which shows what is usual in calm. */
const CALM_MS = 4_000;
const CALM_SHARE = 1 / 8;
const DRAIN_DEADLINE_MS = 60_000;
const DRAIN_POLL_MS = 250;
/** The deadline for draining after a sabotage, which may keep it from ever ending. */
const SABOTAGED_DRAIN_MS = 5_000;
/** Time in which a message that should not come would arrive nevertheless. */
const AFTERWARDS_MS = 1_000;

/**
 * Runs chaos once: all clients connect, faults are done while they publish, everything heals, and the history is
 * checked against the invariants.
 */
export async function runChaos(options: ChaosOptions, surroundings: Surroundings): Promise<Verdict> {
  const { note, signal, historyFile, onLine } = surroundings;
  // Every client listens to this signal.
  setMaxListeners(0, signal);
  const history = new HistoryFile(historyFile);
  const dice = new Dice(options.seed);
  const sabotage = sabotageNamed(options.sabotage);
  note(`${options.instances} instances and a PostgreSQL of their own are starting`);
  const { dedupes = true } = sabotage;
  const plan = new FaultPlan({ seconds: options.seconds, dice: dice.named('plan'), only: options.faults });
  const wantsMovableClock = plan.movesClock;
  const environment = await ChaosEnvironment.set({
    ...options,
    dice,
    history,
    note,
    onLine,
    dedupes,
    wantsMovableClock,
  });
  let endSabotage: (() => void) | undefined;
  try {
    await environment.open(signal);
    endSabotage = await sabotage.prepare?.(environment);
    await disturb(environment, options, { plan, dice, history, note, signal });
    const isDrained = await drain(environment, options.sabotage ? SABOTAGED_DRAIN_MS : DRAIN_DEADLINE_MS, signal);
    note(isDrained ? 'drained' : 'not drained in time');
    const snapshot = await takeSnapshot(environment.database);
    await history.end();
    return check(readHistory(historyFile), snapshot, minimumOf(options));
  } finally {
    endSabotage?.();
    await history.end();
    await environment.clear();
  }
}

interface Tools extends Pick<Surroundings, 'note' | 'signal'> {
  readonly plan: FaultPlan;
  readonly dice: Dice;
  readonly history: HistoryFile;
}

async function disturb(
  environment: ChaosEnvironment,
  options: ChaosOptions,
  { plan, dice, history, note, signal }: Tools,
): Promise<void> {
  const { seconds } = options;
  const ending = new AbortController();
  const end = AbortSignal.any([ending.signal, signal]);
  setMaxListeners(0, end);
  const living = environment.clients.live(end);
  const say = (text: string): void => note(`${(history.now / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  say(`calm: ${environment.clients.onlineCount} devices online`);
  const calmMs = Math.min(CALM_MS, seconds * 1_000 * CALM_SHARE);
  try {
    await pause(calmMs, signal);
    const nemesis = new Nemesis({ environment, plan, dice: dice.named('faults'), history, note: say });
    await nemesis.run(seconds * 1_000 - calmMs, signal);
  } finally {
    ending.abort();
    await living;
  }
  say(`all heals: ${environment.clients.publishCount} publishes were tried`);
}

/**
 * Waits until nothing is pending.
 * @returns false if something was still pending at the deadline
 */
async function drain(environment: ChaosEnvironment, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
  const endsAt = performance.now() + deadlineMs;
  environment.clients.hurry();
  await environment.fleet.whenAllServe();
  await environment.clients.assemble(signal);
  let isDrained = false;
  while (!isDrained && performance.now() < endsAt) {
    await pause(DRAIN_POLL_MS, signal);
    isDrained = (await countPending(environment.database)) === 0;
  }
  await pause(AFTERWARDS_MS, signal);
  return isDrained;
}

/**
 * What a run must at least have seen: a quarter of the publishes that are tried acknowledged, and a fault every 20 s.
 * Less would be suspicious.
 */
function minimumOf({ seconds, rate }: ChaosOptions): Minimum {
  return { acked: Math.floor((seconds * rate) / 4), faults: Math.max(1, Math.floor(seconds / 20)) };
}
