import { MovableClock } from '../../support/movable-clock.js';
import { OwnPostgres } from '../../support/own-postgres.js';

/** A PostgreSQL whose clock goes at its usual pace and can be put forward by hours. */
export class WarpedPostgres {
  private hours = 0;

  private constructor(
    readonly postgres: OwnPostgres,
    private readonly clock: MovableClock,
  ) {}

  static async start(): Promise<WarpedPostgres> {
    const clock = await MovableClock.make();
    return new WarpedPostgres(await OwnPostgres.start({}, clock.environment), clock);
  }

  async putForwardAnHour(): Promise<void> {
    this.hours += 1;
    await this.clock.putForward(this.hours * 3_600);
  }

  async remove(): Promise<void> {
    await this.postgres.remove();
    await this.clock.remove();
  }
}
