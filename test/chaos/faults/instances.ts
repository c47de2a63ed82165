import { pause } from '../fixtures/pause.js';
import type { Slot } from '../fixtures/slot.js';
import type { Fault, Scene } from './fault.js';

export const KILL: Fault = {
  name: 'kill',
  does: 'SIGKILL of one instance, sometimes of two at once',
  lastsMs: { short: 50, long: 50 },
  weight: 0,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ environment, dice, begin }) {
    const victims = dice.sample(environment.fleet.serving, dice.chance(0.5) ? 2 : 1);
    begin(victims.map(({ name }) => name).join(' and '), { count: victims.length });
    await Promise.all(victims.flatMap(({ instance }) => instance?.dismiss('SIGKILL') ?? []));
  },
};

export const STOP_10: Fault = stop(10_000, 6, 'must survive it');
export const STOP_30: Fault = stop(30_000, 4, 'is given up by the others meanwhile');

function stop(ms: number, weight: number, fate: string): Fault {
  return {
    name: `stop-${ms / 1_000}s`,
    does: `SIGSTOP of an instance, SIGCONT after ${ms / 1_000} s: it ${fate}`,
    lastsMs: { short: ms, long: ms },
    weight,
    countsFrom: 'end',
    recoversWithinMs: 5_000,
    async inflict({ environment, dice, begin, signal }) {
      const victim = dice.pick(environment.fleet.serving);
      begin(victim.name, { touched: [victim.name] });
      const { instance } = victim;
      instance?.signal('SIGSTOP');
      try {
        await pause(ms, signal);
      } finally {
        instance?.signal('SIGCONT');
      }
    },
  };
}

export const ROLLING_RESTART: Fault = {
  name: 'rolling-restart',
  does: 'SIGTERM of each instance in turn, the next when the last one serves again',
  lastsMs: { short: 12_000, long: 12_000 },
  weight: 6,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  async inflict({ environment, begin, signal }) {
    begin('all instances', { count: environment.fleet.slots.length });
    for (const slot of environment.fleet.slots) {
      await slot.replace();
      await environment.fleet.whenAllServe();
      signal.throwIfAborted();
    }
  },
};

export const SAME_ID: Fault = {
  name: 'same-id',
  does: 'a second process with the INSTANCE_ID of a living one: it must refuse to start',
  lastsMs: { short: 5_000, long: 5_000 },
  weight: 4,
  countsFrom: 'publish',
  recoversWithinMs: 2_000,
  async inflict({ environment, dice, begin, trouble }) {
    const slot = dice.pick(environment.fleet.serving);
    const id = slot.instance?.id ?? '';
    begin(id, { touched: [] });
    const { code, lastLines } = await environment.tryInstance(slot, { INSTANCE_ID: id });
    if (code !== 1 || !lastLines.includes('belongs to an instance that is alive'))
      trouble(`a second process took the id of a living instance (exit code ${code})\n${lastLines}`);
  },
};

export const NOTIFY_OFF: Fault = {
  name: 'notify-off',
  does: 'an instance runs with NOTIFY=off: the others find its messages by polling',
  lastsMs: { short: 12_000, long: 16_000 },
  weight: 5,
  countsFrom: 'publish',
  recoversWithinMs: 2_500,
  inflict: (scene) => runDifferently(scene, { NOTIFY: 'off' }, 'NOTIFY=off'),
};

const SKEWED_CLOCK = new URL('./skewed-clock.js', import.meta.url).href;

export const CLOCK_SKEW: Fault = {
  name: 'clock-skew',
  does: 'the clock of an instance is 10 minutes fast or slow: time is the database’s',
  lastsMs: { short: 12_000, long: 16_000 },
  weight: 4,
  countsFrom: 'publish',
  recoversWithinMs: 5_000,
  inflict(scene) {
    const skewMs = scene.dice.chance(0.5) ? 600_000 : -600_000;
    const environment = { NODE_OPTIONS: `--import=${SKEWED_CLOCK}`, CLOCK_SKEW_MS: String(skewMs) };
    return runDifferently(scene, environment, `clock off by ${skewMs / 60_000} min`);
  },
};

/** Replaces an instance by one with another environment, and later by one with the usual environment. */
async function runDifferently(
  { environment: chaos, dice, begin, signal, isLong }: Scene,
  environment: Readonly<Record<string, string>>,
  detail: string,
): Promise<void> {
  const slot: Slot = dice.pick(chaos.fleet.serving);
  begin(`${slot.name}: ${detail}`);
  try {
    await slot.replace(environment);
    await chaos.fleet.whenAllServe();
    await pause(isLong ? 8_000 : 5_000, signal);
  } finally {
    await slot.replace();
    await chaos.fleet.whenAllServe();
  }
}
