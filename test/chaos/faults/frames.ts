import type { Dice } from '../dice.js';
import { pause } from '../fixtures/pause.js';
import { runStray } from '../fixtures/stray.js';
import type { Fault, Scene } from './fault.js';

const AT_ONCE = 6;
/** The wait before a stranger looks for an instance again. */
const WHILE_GONE_MS = 50;

export const STRAY_FRAMES: Fault = {
  name: 'stray-frames',
  does: 'strangers send CONNECT, DISCONNECT, events, acks, binary and garbage in any order; nobody else may notice',
  lastsMs: { short: 5_000, long: 8_000 },
  weight: 6,
  countsFrom: 'publish',
  recoversWithinMs: 2_000,
  async inflict(scene) {
    scene.begin(`${AT_ONCE} strangers`, { touched: [] });
    const endsAt = performance.now() + (scene.isLong ? 8_000 : 5_000);
    const strays = Array.from({ length: AT_ONCE }, (_, index) => scene.dice.named(`stray ${index}`));
    await Promise.all(strays.map((dice) => roam(scene, dice, endsAt)));
  },
};

/** Opens one connection after the other, each to any instance. */
async function roam({ environment, signal }: Scene, dice: Dice, endsAt: number): Promise<void> {
  while (performance.now() < endsAt) {
    const { port } = dice.pick(environment.fleet.slots);
    if (port !== undefined) await runStray(`http://127.0.0.1:${port}`, dice, signal);
    else await pause(WHILE_GONE_MS, signal);
  }
}
