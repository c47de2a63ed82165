import type { Registry } from '#connection-manager';
import type { DeviceKey, Devices } from '#message-persistence';
import type { Job, JobReport } from '../job.js';

export interface IdleDevicesOptions {
  readonly cron: string;
  /** 0 means that devices are never forgotten. */
  readonly idleDays: number;
  readonly devices: Devices;
  readonly registry: Registry;
}

const AT_ONCE = 1_000;
const GOES = 10;

/** Messages for a device that never comes back would otherwise keep every message past retention. */
export class IdleDevicesJob implements Job {
  readonly name = 'idle-devices';
  readonly does = 'forgets devices not seen for IDLE_DEVICE_DAYS, so that nothing is kept for them any more';
  readonly cron: string;

  constructor(private readonly options: IdleDevicesOptions) {
    this.cron = options.cron;
  }

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const { idleDays, devices } = this.options;
    if (idleDays === 0) return { rows: 0, notes: ['switched off'] };
    let rows = 0;
    for (let go = 0; go < GOES; go++) {
      const idle = await devices.findIdle(idleDays, AT_ONCE);
      const away = await this.withoutOnline(idle, isDryRun);
      rows += isDryRun ? away.length : await devices.forget(away, idleDays);
      if (isDryRun || idle.length < AT_ONCE) break;
    }
    return { rows };
  }

  /**
   * Leaves out the devices that are online and notes them as seen, because otherwise a device is noted only when it
   * comes and when it goes.
   */
  private async withoutOnline(idle: readonly DeviceKey[], isDryRun: boolean): Promise<DeviceKey[]> {
    const { registry, devices } = this.options;
    const online = await registry.onlineDevices([...new Set(idle.map(({ user }) => user))]);
    const isOnline = ({ user, deviceId }: DeviceKey): boolean => online.has(`${user} ${deviceId}`);
    if (!isDryRun) await Promise.all(idle.filter(isOnline).map((device) => devices.leave(device)));
    return idle.filter((device) => !isOnline(device));
  }
}
