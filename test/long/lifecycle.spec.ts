import { OwnPostgres } from '../support/own-postgres.js';
import { holds, type Figure } from '../lifecycle/lifecycle-scenario.js';
import { killOnce } from '../lifecycle/scenarios/kill.js';
import { dropUnderLoad } from '../lifecycle/scenarios/retention.js';
import { rollingRestart } from '../lifecycle/scenarios/rolling.js';
import { storm } from '../lifecycle/scenarios/storm.js';
import { EVENT_LOOP_PROBE } from '../lifecycle/fixtures/event-loop.js';
import { peakPerSecond } from '../lifecycle/fixtures/peak.js';
import { inEnvironment } from '../lifecycle/fixtures/lifecycle-environment.js';

/*
 * Runs the scenarios on a small scale, so that each stays true; npm run lifecycle -- --show NAME runs one at the
 * scale it is meant for. How long something takes here says more about the machine, which runs other tests meanwhile,
 * so the bounds of those figures are left to the full scenarios.
 */
const silent = (): void => undefined;

/** Finds the figures that break their bound, among all or only the named ones. */
function broken(figures: readonly Figure[], ...names: string[]): Figure[] {
  for (const name of names) expect(figures.map(({ what }) => what)).toContain(name);
  return figures.filter((figure) => (names.length === 0 || names.includes(figure.what)) && !holds(figure));
}

it('a rolling restart under load loses no message and no publish, and leaves no row', async () => {
  const reconnectsPerS = 20;
  const env = { DRAIN_RECONNECTS_PER_S: String(reconnectsPerS) };
  const figures = await inEnvironment({ size: 2, env }, (environment) => {
    let turn = 0;
    // Clients go round as a load balancer does: one after the other, and past an instance that is down with the next
    // try.
    const url = (): string => environment.fleet.urls[turn++ % environment.fleet.urls.length] ?? '';
    return rollingRestart({ ...environment, clients: 20, messagesPerS: 50, reconnectsPerS, url, note: silent });
  });
  const alone = ['publishes without an answer', 'messages lost', 'repeated or out of order after dedupe'];
  expect(broken(figures, ...alone, 'exit codes other than 0', 'rows left of gone instances')).toEqual([]);
});

it('a killed instance is out of the registry within seconds', async () => {
  const ms = await inEnvironment({ size: 2 }, (environment) => killOnce(environment, 20));
  expect(ms).toBeLessThan(10_000);
});

it('a reconnect storm loses nothing and takes no more database connections than there may be', async () => {
  const figures = await inEnvironment({ size: 2, env: EVENT_LOOP_PROBE }, (environment) =>
    storm(environment, 60, silent),
  );
  expect(broken(figures, 'messages lost', 'database connections of an instance, at most')).toEqual([]);
});

it('a day of messages is dropped beside a publisher and a reader that never pause', async () => {
  const postgres = await OwnPostgres.start();
  try {
    const query: OwnPostgres['query'] = (text, values) => postgres.query(text, values);
    const figures = await dropUnderLoad(postgres.url, query, 10_000, silent);
    expect(broken(figures, 'partitions not dropped')).toEqual([]);
  } finally {
    await postgres.remove();
  }
});

it('the peak of a second is found wherever the second begins', () => {
  expect(peakPerSecond([0, 900, 950, 1_000, 1_850, 1_900, 5_000])).toBe(4);
  expect(peakPerSecond([])).toBe(0);
});
