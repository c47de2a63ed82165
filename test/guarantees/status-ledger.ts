import type { Server } from '../support/server.js';
import type { TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { statusOf, timelineOf } from './publish.js';

interface Told {
  readonly user: string;
  readonly deviceId: string | null;
  readonly status: string;
}

/** `user device` to status. */
type Statuses = Record<string, string>;

/** What the server says became of a message, through each of its faces. */
export class StatusLedger {
  constructor(
    private readonly server: Server,
    private readonly database: TestDatabase,
  ) {}

  /** Status, timeline and the views must agree. */
  async of(id: string): Promise<Statuses> {
    const statuses = await this.told(id);
    expect(byDevice((await timelineOf(this.server, id)).deliveries)).toEqual(statuses);
    expect(await this.viewed('delivery_status', id)).toEqual(statuses);
    const open = Object.entries(statuses).filter(([, status]) => status === 'queued' || status === 'sent');
    expect(await this.viewed('undelivered', id)).toEqual(Object.fromEntries(open));
    return statuses;
  }

  async until(id: string, device: string, status: string): Promise<void> {
    await until(`${device} shows ${status}`, async () => (await this.told(id))[device] === status);
  }

  /** Why, in words; of the first device without a name. */
  async reason(id: string, { device, user }: { device?: string; user?: string } = {}): Promise<string> {
    const { deliveries } = await timelineOf(this.server, id, user);
    return deliveries.find(({ deviceId }) => device === undefined || deviceId === device)?.reason ?? 'not listed';
  }

  private async told(id: string): Promise<Statuses> {
    return byDevice((await statusOf(this.server, id)).recipients);
  }

  async viewed(view: 'delivery_status' | 'undelivered', id: string): Promise<Statuses> {
    const rows = await this.database.query<{ user: string; deviceId: string; status: string }>(
      `select user_id as user, device_id as "deviceId", status from trunkline.${view} where message_id = $1`,
      [id],
    );
    return byDevice(rows);
  }
}

function byDevice(told: readonly Told[]): Statuses {
  return Object.fromEntries(told.map(({ user, deviceId, status }) => [`${user} ${deviceId}`, status]));
}
