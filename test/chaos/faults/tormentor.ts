import { AFTERMATH_MS } from '../checker/strike-book.js';
import type { Dice } from '../dice.js';
import type { HistoryFile } from '../history/history-file.js';
import { lookAtRegistry } from '../world/look-at-registry.js';
import { pause } from '../world/pause.js';
import type { Stage } from '../world/stage.js';
import type { Fault } from './fault.js';
import type { FaultPlan } from './plan.js';

export interface TormentorOptions {
  readonly stage: Stage;
  readonly plan: FaultPlan;
  readonly dice: Dice;
  readonly history: HistoryFile;
  readonly note: (text: string) => void;
}

/** Does one fault after the other, waits after each, and looks whether the registry is right again. */
export class Tormentor {
  private readonly inBackground: Promise<void>[] = [];
  private strikes = 0;

  constructor(private readonly options: TormentorOptions) {}

  /** Until the time is up; everything is healed then. */
  async run(durationMs: number, signal: AbortSignal): Promise<void> {
    const { plan, stage } = this.options;
    const endsAt = performance.now() + durationMs;
    for (let fault = plan.next(durationMs); fault; fault = plan.next(endsAt - performance.now())) {
      signal.throwIfAborted();
      if (fault.isBackground) {
        const striking = this.strike(fault, signal);
        // Awaited at the end, where it is thrown again.
        striking.catch(() => undefined);
        this.inBackground.push(striking);
        continue;
      }
      await this.strike(fault, signal);
      await this.look(this.strikes, signal);
      await stage.fleet.whenAllServe();
    }
    await pause(Math.max(0, endsAt - performance.now()), signal);
    await Promise.all(this.inBackground);
  }

  private async strike(fault: Fault, signal: AbortSignal): Promise<void> {
    const { stage, plan, dice, history, note } = this.options;
    const { name, countsFrom, recoversWithinMs, isBackground = false, answersWithinMs } = fault;
    const strike = ++this.strikes;
    const trouble = (what: string): void => history.record({ event: 'trouble', what });
    const inflicting = fault.inflict({
      stage,
      signal,
      dice: dice.named(`strike ${strike}`),
      isLong: plan.isLong,
      begin: (detail, { count = 1, touched } = {}) => {
        note(`${name}: ${detail}`);
        const expectation = {
          ...{ countsFrom, recoversWithinMs, isBackground },
          ...(answersWithinMs === undefined ? {} : { answersWithinMs }),
          ...(touched ? { touched } : {}),
        };
        history.record({ event: 'fault-begin', fault: name, strike, detail, count, ...expectation });
      },
      trouble,
    });
    await inflicting.catch((error: unknown) => {
      signal.throwIfAborted();
      trouble(`${name} could not be done: ${String(error)}`);
    });
    history.record({ event: 'fault-end', strike });
  }

  private async look(strike: number, signal: AbortSignal): Promise<void> {
    const { stage, history, note } = this.options;
    await pause(AFTERMATH_MS, signal);
    const { ghosts, missing, ...counts } = await lookAtRegistry(stage.database, stage.sockets, AFTERMATH_MS);
    history.record({ event: 'registry', strike, ...counts, ghosts, missing });
    if (ghosts.length + missing.length > 0) note(`  registry: ${ghosts.length} ghosts, ${missing.length} missing`);
  }
}
