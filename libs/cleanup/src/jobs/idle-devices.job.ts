import { Inject } from '@nestjs/common';
import { SETTINGS, type Settings } from '#config';
import { Registry } from '#connection-manager';
import { Devices, type DeviceKey } from '#message-persistence';
import { CleanupJob } from '../cleanup-job.js';
import type { JobReport, JobWork } from '../job.js';

const AT_ONCE = 1_000;
const MAX_BATCHES = 10;

/** Messages for a device that never comes back would otherwise keep every message past retention. */
@CleanupJob({
  name: 'idle-devices',
  does: 'forgets devices not seen for IDLE_DEVICE_DAYS, so that nothing is kept for them any more',
  cron: (crons) => crons.idleDevices,
})
export class IdleDevicesJob implements JobWork {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly devices: Devices,
    private readonly registry: Registry,
  ) {}

  async runOnce(isDryRun: boolean): Promise<JobReport> {
    const { idleDeviceDays: idleDays } = this.settings.cleanup;
    if (idleDays === 0) return { rows: 0, notes: ['switched off'] };
    let rows = 0;
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const idle = await this.devices.findIdle(idleDays, AT_ONCE);
      const away = await this.withoutOnline(idle, isDryRun);
      rows += isDryRun ? away.length : await this.devices.forget(away, idleDays);
      if (isDryRun || idle.length < AT_ONCE) break;
    }
    return { rows };
  }

  /**
   * Leaves out the devices that are online and notes them as seen, because otherwise a device is noted only when it
   * comes and when it goes.
   */
  private async withoutOnline(idle: readonly DeviceKey[], isDryRun: boolean): Promise<DeviceKey[]> {
    const online = await this.registry.onlineDevices([...new Set(idle.map(({ user }) => user))]);
    const isOnline = ({ user, deviceId }: DeviceKey): boolean => online.has(`${user} ${deviceId}`);
    if (!isDryRun) await Promise.all(idle.filter(isOnline).map((device) => this.devices.leave(device)));
    return idle.filter((device) => !isOnline(device));
  }
}
