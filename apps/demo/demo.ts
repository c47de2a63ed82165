import type { DemoFleet } from './demo-fleet.js';
import type { DemoInstance } from './demo-instance.js';
import { DemoLedger, type Balance } from './demo-ledger.js';
import { DemoUsers } from './demo-users.js';
import type { DemoOptions } from './options.js';
import type { ProgressBar } from './progress-bar.js';
import type { ReplayPlan } from './replay-plan.js';
import { Replay } from './replay.js';
import type { RunFigures } from './report.js';

export interface DemoSettings {
  readonly plan: ReplayPlan;
  readonly options: DemoOptions;
  readonly jwtSecret: string;
  readonly fleet: DemoFleet;
  readonly bar: ProgressBar;
}

export interface Outcome {
  readonly balance: Balance;
  readonly figures: RunFigures;
  /** Describes in words what went wrong with the servers themselves. */
  readonly troubles: readonly string[];
}

/** One run of the demo: the replay, everybody's return, the final account. */
export class Demo {
  private readonly stopping = new AbortController();
  private readonly ledger: DemoLedger;
  private readonly troubles: string[] = [];
  private replacing: Promise<void> = Promise.resolve();

  constructor(private readonly settings: DemoSettings) {
    this.ledger = new DemoLedger(settings.plan.group);
    settings.fleet.onFallen = (instance) => this.fallen(instance);
  }

  /** Makes `run` reject with this reason, whatever it is waiting for. */
  readonly stop = (reason: unknown): void => this.stopping.abort(reason);

  async run(): Promise<Outcome> {
    const { plan, options, jwtSecret, fleet, bar } = this.settings;
    bar.note(`starting ${options.instances} instances`);
    await this.unlessStopped(fleet.start(options.instances));
    const users = DemoUsers.invite(plan, jwtSecret, {
      ledger: this.ledger,
      pickUrl: () => fleet.pickUrl(),
      onGap: (user, { channel, fromSeq, toSeq }) => bar.note(`gap: ${user} misses ${channel} #${fromSeq} to #${toSeq}`),
    });
    try {
      return await this.perform(users);
    } finally {
      bar.hide();
      users.leave();
    }
  }

  private async perform(users: DemoUsers): Promise<Outcome> {
    const { options, fleet, bar } = this.settings;
    await this.unlessStopped(this.replay(users));
    await this.unlessStopped(this.replacing);
    bar.note('everyone comes back once');
    bar.show(() => this.homecoming(users));
    await this.unlessStopped(users.bringBackTheAbsent());
    await users.untilAllHaveEverything(this.stopping.signal);
    const { reconnects, repeats } = users;
    const figures = { killed: fleet.killed, reconnects, repeats, seed: options.seed };
    return { balance: this.ledger.balance(), figures, troubles: this.troubles };
  }

  private replay(users: DemoUsers): Promise<void> {
    const { plan, options, bar } = this.settings;
    const atHalf = (): void => {
      if (options.kill) this.replacing = this.replaceOne().catch(this.stop);
    };
    const note = (text: string): void => bar.note(text);
    const replay = new Replay({ plan, rate: options.rate, guests: users.guests, atHalf, note, fail: this.stop });
    bar.note(`replaying ${plan.steps.length} steps of ${plan.users.length} users (--seed ${options.seed})`);
    bar.show(() => ({
      done: replay.begun,
      total: plan.steps.length,
      text: `${users.online} online, ${this.ledger.receipts.toLocaleString('en-US')} deliveries`,
    }));
    return replay.run(this.stopping.signal);
  }

  private async replaceOne(): Promise<void> {
    const { fleet, bar } = this.settings;
    await fleet.replaceOne(({ id, pid }) =>
      bar.note(`killed instance ${id} (pid ${pid}) with SIGKILL; starting a new one`),
    );
  }

  /** The other instances go on, since that is what they are for; but the run is no success. */
  private fallen({ id, lastLines }: DemoInstance): void {
    const trouble = `instance ${id} ended by itself\n${lastLines}`;
    this.troubles.push(trouble);
    this.settings.bar.note(trouble);
    if (this.settings.fleet.isGone) this.stop(new Error('no instance is left'));
  }

  private homecoming(users: DemoUsers): { done: number; total: number; text: string } {
    const total = users.guests.size;
    return { done: total - users.waiting, total, text: `${users.online} online, waiting for ${users.waiting}` };
  }

  private async unlessStopped<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.stopping;
    let giveUp: (() => void) | undefined;
    const stopped = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal.reason as Error);
      if (signal.aborted) giveUp();
      signal.addEventListener('abort', giveUp);
    });
    return Promise.race([work, stopped]).finally(() => giveUp && signal.removeEventListener('abort', giveUp));
  }
}
