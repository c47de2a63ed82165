import type { Dice } from '../dice.js';
import type { HistoryFile } from '../history/history-file.js';
import { MovableClock } from '../../support/movable-clock.js';
import { API_KEY } from '../../support/server.js';
import { ChaosClients } from './crowd.js';
import { ChaosFleet } from './fleet.js';
import { ChaosInstance, type Ending } from './instance.js';
import { OpenWires } from './open-sockets.js';
import { OwnDatabase } from './own-database.js';
import type { Slot } from './slot.js';

export interface ChaosEnvironmentOptions {
  readonly instances: number;
  readonly rate: number;
  readonly dice: Dice;
  readonly history: HistoryFile;
  readonly note: (text: string) => void;
  readonly onLine: (line: string) => void;
  readonly dedupes: boolean;
  /** If true, PostgreSQL reads a clock that can be put forward, if this system has what it takes. */
  readonly wantsMovableClock: boolean;
}

/** Everything that a run consists of. It is started before the run and removed after it, whatever happened. */
export class ChaosEnvironment {
  private constructor(
    readonly database: OwnDatabase,
    readonly fleet: ChaosFleet,
    readonly clients: ChaosClients,
    readonly sockets: OpenWires,
    private readonly options: ChaosEnvironmentOptions,
  ) {}

  static async set(options: ChaosEnvironmentOptions): Promise<ChaosEnvironment> {
    const { dice, history, instances, onLine } = options;
    const database = await OwnDatabase.start(options.wantsMovableClock ? await movableClock(options) : undefined);
    const onTrouble = (what: string): void => history.record({ event: 'trouble', what });
    const fleet = await ChaosFleet.make(instances, { database, onTrouble, onLine });
    database.putBehind(fleet.slots.flatMap((slot) => [slot.database, slot.listen]));
    const sockets = new OpenWires();
    const clients = await ChaosClients.gather({
      ...options,
      dice: dice.named('crowd'),
      record: history.record,
      sockets,
      // Any instance that exists may be picked: a load balancer may not have noticed yet that one does not answer.
      pickSlot: (picker) => picker.pick(fleet.slots),
    });
    return new ChaosEnvironment(database, fleet, clients, sockets, options);
  }

  /** Starts the instances, joins the groups, and connects every device once, so that all begin at nothing. */
  async open(signal: AbortSignal): Promise<void> {
    const { history } = this.options;
    await this.fleet.open();
    const devices = this.clients.devices.map(({ name }) => name);
    history.record({ event: 'world', epochMs: history.epochMs, groups: this.clients.groups, devices });
    for (const [group, members] of Object.entries(this.clients.groups)) {
      for (const user of members) await this.join(group, user);
    }
    await this.clients.assemble(signal);
  }

  /** Starts a process beside that of the slot. If it serves, it is ended. */
  async tryInstance(
    slot: Slot,
    environment: Readonly<Record<string, string>>,
  ): Promise<Ending & { lastLines: string }> {
    const instance = new ChaosInstance(slot.environmentOf(environment), this.options.onLine);
    await instance.serving.then(() => instance.dismiss('SIGKILL')).catch(() => undefined);
    const ending = await instance.exited;
    return { ...ending, lastLines: instance.lastLines };
  }

  async isRegistered(connections: readonly string[]): Promise<boolean> {
    const rows = await this.database.query('select from trunkline.connections where connection_id = any ($1)', [
      connections,
    ]);
    return rows.length > 0;
  }

  async clear(): Promise<void> {
    this.clients.disperse();
    await this.fleet.close();
    await this.database.remove();
  }

  private async join(group: string, user: string): Promise<void> {
    const { port } = this.fleet.slots[0] ?? {};
    const path = `/v1/channels/${encodeURIComponent(group)}/members/${user}`;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    if (!response.ok) throw new Error(`${user} could not join ${group}: ${response.status} ${await response.text()}`);
  }
}

/** Makes a clock that can be moved; if undefined, the faults that need it cannot be done. */
function movableClock({ note }: ChaosEnvironmentOptions): Promise<MovableClock | undefined> {
  return MovableClock.make().catch((error: unknown) => {
    note(`no movable clock: ${String(error)}`);
    return undefined;
  });
}
