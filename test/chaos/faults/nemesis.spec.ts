import { Dice } from '../dice.js';
import type { Happening } from '../history/event.js';
import type { HistoryFile } from '../history/history-file.js';
import type { ChaosEnvironment } from '../fixtures/chaos-environment.js';
import type { Fault, Scene } from './fault.js';
import { NotDone, NotHealed } from './not-done.js';
import type { FaultPlan } from './plan.js';
import { Nemesis } from './nemesis.js';

/**
 * Makes a fault that runs in the background, where neither an instance nor the database is looked at: it touches
 * neither.
 */
function faultThat(inflict: (scene: Scene, tries: number) => void): Fault {
  let tries = 0;
  return {
    ...{ name: 'test', does: 'what the test says', lastsMs: { short: 1, long: 1 }, weight: 0, isBackground: true },
    ...{ countsFrom: 'publish', recoversWithinMs: 1_000 },
    inflict: (scene) => Promise.resolve().then(() => inflict(scene, ++tries)),
  };
}

/**
 * Runs one fault.
 * @returns what the history records of it
 */
async function told(fault: Fault): Promise<Happening[]> {
  const happenings: Happening[] = [];
  const deck = [fault];
  const nemesis = new Nemesis({
    environment: {} as ChaosEnvironment,
    plan: { next: () => deck.shift(), isLong: false } as unknown as FaultPlan,
    dice: new Dice(1),
    history: { record: (happening: Happening) => happenings.push(happening) } as unknown as HistoryFile,
    note: () => undefined,
  });
  await nemesis.run(0, new AbortController().signal);
  return happenings;
}

const events = (happenings: readonly Happening[]): string[] => happenings.map(({ event }) => event);

test('a fault that could not be done is tried again', async () => {
  const fault = faultThat(({ begin }, tries) => {
    if (tries === 1) throw new Error('there is no instance to hit');
    begin('as it should');
    if (tries === 2) throw new NotDone('deadlock detected');
  });
  expect(events(await told(fault))).toEqual([
    ...['fault-not-done', 'fault-end'],
    ...['fault-begin', 'fault-not-done', 'fault-end'],
    ...['fault-begin', 'fault-end'],
  ]);
});

test('a fault that can never be done is left out, and is no trouble', async () => {
  const happenings = await told(
    faultThat(() => {
      throw new NotDone('needs a package');
    }),
  );
  expect(events(happenings)).toEqual([
    'fault-not-done',
    'fault-end',
    'fault-not-done',
    'fault-end',
    'fault-not-done',
    'fault-end',
  ]);
  expect(happenings[0]).toMatchObject({ fault: 'test', strike: 1, why: 'NotDone: needs a package' });
});

test('what the servers fail to do while a fault lasts is trouble', async () => {
  const happenings = await told(
    faultThat(({ begin }) => {
      begin('as it should');
      throw new Error('all instances serve: not within 60 s');
    }),
  );
  expect(events(happenings)).toEqual(['fault-begin', 'trouble', 'fault-end']);
});

test('a fault that cannot be taken back ends the run', async () => {
  const fault = faultThat(({ begin }) => {
    begin('as it should');
    throw new NotHealed('the trigger is still there');
  });
  await expect(told(fault)).rejects.toThrow('the trigger is still there');
});
