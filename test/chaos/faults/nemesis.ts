import { AFTERMATH_MS } from '../checker/strike-book.js';
import type { Dice } from '../dice.js';
import type { HistoryFile } from '../history/history-file.js';
import { lookAtRegistry } from '../fixtures/look-at-registry.js';
import { pause } from '../fixtures/pause.js';
import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';
import type { Fault } from './fault.js';
import { NotDone, NotHealed } from './not-done.js';
import type { FaultPlan } from './plan.js';

export interface NemesisOptions {
  readonly environment: ChaosEnvironment;
  readonly plan: FaultPlan;
  readonly dice: Dice;
  readonly history: HistoryFile;
  readonly note: (text: string) => void;
}

const TRIES = 3;
const BETWEEN_TRIES_MS = 500;

/** Does one fault after the other, waits after each, and checks that the registry is right again. */
export class Nemesis {
  private readonly inBackground: Promise<void>[] = [];
  private strikes = 0;
  private faults = 0;

  constructor(private readonly options: NemesisOptions) {}

  /** Runs until the time is up. Everything is healed by then. */
  async run(durationMs: number, signal: AbortSignal): Promise<void> {
    const { plan, environment } = this.options;
    const endsAt = performance.now() + durationMs;
    for (let fault = plan.next(durationMs); fault; fault = plan.next(endsAt - performance.now())) {
      signal.throwIfAborted();
      if (fault.isBackground) {
        const striking = this.strike(fault, signal);
        // The promise is awaited at the end, where its error is thrown.
        striking.catch(() => undefined);
        this.inBackground.push(striking);
        continue;
      }
      await this.strike(fault, signal);
      await this.look(this.strikes, signal);
      await environment.fleet.whenAllServe();
    }
    await pause(Math.max(0, endsAt - performance.now()), signal);
    await Promise.all(this.inBackground);
  }

  /** Tries a fault a few times; one that cannot be done is left out. */
  private async strike(fault: Fault, signal: AbortSignal): Promise<void> {
    const turn = ++this.faults;
    for (let tries = 1; tries <= TRIES; tries++) {
      if (await this.isDone(fault, turn, signal)) return;
      await pause(BETWEEN_TRIES_MS, signal);
    }
  }

  private async isDone(fault: Fault, turn: number, signal: AbortSignal): Promise<boolean> {
    const { environment, plan, dice, history, note } = this.options;
    const { name, countsFrom, recoversWithinMs, isBackground = false, answersWithinMs, movesClock } = fault;
    const strike = ++this.strikes;
    let hasBegun = false;
    const trouble = (what: string): void => history.record({ event: 'trouble', what });
    const inflicting = fault.inflict({
      environment,
      signal,
      dice: dice.named(`strike ${turn}`),
      isLong: plan.isLong,
      begin: (detail, { count = 1, touched } = {}) => {
        hasBegun = true;
        note(`${name}: ${detail}`);
        const expectation = {
          ...{ countsFrom, recoversWithinMs, isBackground },
          ...(answersWithinMs === undefined ? {} : { answersWithinMs }),
          ...(touched ? { touched } : {}),
          ...(movesClock ? { movesClock } : {}),
        };
        history.record({ event: 'fault-begin', fault: name, strike, detail, count, ...expectation });
      },
      trouble,
    });
    try {
      await inflicting;
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NotHealed) throw error;
      // Once the fault has begun, only its own statements may fail. Any other error is one of the servers.
      if (hasBegun && !(error instanceof NotDone)) {
        trouble(`${name}: ${String(error)}`);
        return true;
      }
      note(`${name} could not be done: ${String(error)}`);
      history.record({ event: 'fault-not-done', fault: name, strike, why: String(error) });
      return false;
    } finally {
      history.record({ event: 'fault-end', strike });
    }
  }

  private async look(strike: number, signal: AbortSignal): Promise<void> {
    const { environment, history, note } = this.options;
    await pause(AFTERMATH_MS, signal);
    const { ghosts, missing, ...counts } = await lookAtRegistry(
      environment.database,
      environment.sockets,
      AFTERMATH_MS,
    );
    history.record({ event: 'registry', strike, ...counts, ghosts, missing });
    if (ghosts.length + missing.length > 0) note(`  registry: ${ghosts.length} ghosts, ${missing.length} missing`);
  }
}
