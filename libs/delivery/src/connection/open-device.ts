import type { Registry } from '#connection-manager';
import type { DeviceKey, Devices, Opened } from '#message-persistence';
import { ProtocolError } from '#protocol';

/**
 * Opens a device. If it is one too many, it takes the place of the one that was not seen for longest, provided that
 * this was not seen for a day. So a user whose browser makes a new device each time is never locked out, and a burst of
 * new devices pushes out none that is in use.
 * @throws ProtocolError LIMIT_REACHED if no device may be replaced
 */
export async function openDevice(
  key: DeviceKey,
  devices: Devices,
  registry: Pick<Registry, 'onlineDevices'>,
): Promise<Opened> {
  const opened = await devices.open(key);
  if (opened) return opened;
  const away = await devices.findAway(key.user);
  const online = away.length > 0 ? await registry.onlineDevices([key.user]) : new Set();
  for (const longest of away.filter(({ user, deviceId }) => !online.has(`${user} ${deviceId}`))) {
    // Another new device may have been faster, either with this one or with the room that it left.
    const again = (await devices.giveWay(longest)) ? await devices.open(key) : undefined;
    if (again) return again;
  }
  throw new ProtocolError(
    'LIMIT_REACHED',
    'deviceId: the user has as many devices as it may, each seen within a day; keep the deviceId of an installation instead of making a new one each time',
  );
}
