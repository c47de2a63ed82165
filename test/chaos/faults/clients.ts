import { until } from '../../support/until.js';
import type { Device } from '../fixtures/device.js';
import { pause } from '../fixtures/pause.js';
import type { Fault, Scene } from './fault.js';

type ClientFault = Pick<Fault, 'name' | 'does' | 'lastsMs' | 'weight' | 'countsFrom'> & {
  /** The most devices that are hit at once. */
  readonly victims: number;
  readonly hit: (devices: readonly Device[], scene: Scene) => Promise<void>;
};

/** Makes a fault that hits some clients. The others must not notice. */
function clientFault({ hit, victims, ...fault }: ClientFault): Fault {
  return {
    ...fault,
    recoversWithinMs: 5_000,
    async inflict(scene) {
      const connected = scene.environment.clients.devices.filter(({ isReady }) => isReady);
      const devices = scene.dice.sample(connected, scene.dice.whole(1, victims));
      const names = devices.map(({ name }) => name);
      scene.begin(names.join(', '), { touched: names });
      await hit(devices, scene);
    },
  };
}

export const CLIENT_CUT = clientFault({
  name: 'client-cut',
  does: 'the cables of some clients are pulled for some seconds; then plugged in again, or dead for good',
  lastsMs: { short: 5_000, long: 6_000 },
  weight: 8,
  countsFrom: 'end',
  victims: 5,
  async hit(devices, { dice, signal }) {
    for (const { link } of devices) link.proxy.blackHole();
    try {
      await pause(dice.between(2_000, 8_000), signal);
    } finally {
      for (const { link } of devices) {
        if (dice.chance(0.5)) link.proxy.resetAll();
        link.proxy.clear();
      }
    }
  },
});

const SERVER_NOTICES_MS = 22_000;

export const CLIENT_HALF_OPEN = clientFault({
  name: 'client-half-open',
  does: 'clients vanish without the server being told; it has to find out by its pings',
  lastsMs: { short: 18_000, long: 18_000 },
  weight: 4,
  countsFrom: 'publish',
  victims: 4,
  async hit(devices, { environment, signal, trouble }) {
    const connections = devices.flatMap(({ connectionId }) => connectionId ?? []);
    for (const { link } of devices) link.proxy.latestConnection?.vanish();
    const areGone = async (): Promise<boolean> => signal.aborted || !(await environment.isRegistered(connections));
    try {
      await until('the server has noticed', areGone, SERVER_NOTICES_MS);
    } catch {
      trouble(`a server kept a vanished client for more than ${SERVER_NOTICES_MS} ms`);
    }
  },
});

export const CLIENT_RESET = clientFault({
  name: 'client-reset',
  does: 'connections of clients are reset in the middle of a frame',
  lastsMs: { short: 2_000, long: 2_000 },
  weight: 8,
  countsFrom: 'publish',
  victims: 6,
  async hit(devices, { dice, signal }) {
    for (const { link } of devices) link.proxy.latestConnection?.resetMidFrame(dice.chance(0.5) ? 'up' : 'down');
    await pause(2_000, signal);
    // If nothing has passed by now, there was no frame to cut.
    for (const { link } of devices) link.proxy.latestConnection?.spare();
  },
});

export const CLIENT_HALF_CLOSE = clientFault({
  name: 'client-half-close',
  does: 'the client’s side of the connection ends while it still reads',
  lastsMs: { short: 2_000, long: 2_000 },
  weight: 4,
  countsFrom: 'publish',
  victims: 4,
  async hit(devices, { signal }) {
    for (const { link } of devices) link.proxy.latestConnection?.halfClose();
    await pause(2_000, signal);
  },
});

export const CLIENT_SLICES = clientFault({
  name: 'client-slices',
  does: 'bytes of some clients arrive late and in slices of a few dozen',
  lastsMs: { short: 4_000, long: 6_000 },
  weight: 5,
  countsFrom: 'publish',
  victims: 6,
  async hit(devices, { dice, signal, isLong }) {
    for (const { link } of devices) {
      const latencyMs = dice.whole(5, 150);
      link.proxy.changeWeather(
        { latencyMs, sliceBytes: dice.whole(3, 40) },
        { latencyMs, sliceBytes: dice.whole(100, 300) },
      );
    }
    try {
      await pause(isLong ? 6_000 : 4_000, signal);
    } finally {
      for (const { link } of devices) link.proxy.clear();
    }
  },
});

export const PAUSED_READERS = clientFault({
  name: 'paused-readers',
  does: 'clients stop reading, and what is for them piles up; then they read on',
  lastsMs: { short: 6_000, long: 9_000 },
  weight: 7,
  countsFrom: 'end',
  victims: 4,
  async hit(devices, { signal, isLong }) {
    for (const { link } of devices) link.proxy.changeWeather({}, { isSilent: true });
    try {
      await pause(isLong ? 9_000 : 6_000, signal);
    } finally {
      for (const { link } of devices) link.proxy.clear();
    }
  },
});
