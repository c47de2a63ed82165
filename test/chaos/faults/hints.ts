import { until } from '../../support/until.js';
import { pause } from '../fixtures/pause.js';
import type { Fault, Scene } from './fault.js';

const LISTENER_BACK_MS = 16_000;

export const LISTEN_BLACK_HOLE: Fault = {
  name: 'listen-black-hole',
  does: 'the LISTEN connection of an instance is forgotten by the network: open, and nothing passes; it must be back in 16 s',
  lastsMs: { short: 13_000, long: 13_000 },
  weight: 6,
  countsFrom: 'publish',
  recoversWithinMs: 2_500,
  async inflict({ environment, dice, begin, trouble, signal }) {
    const slot = dice.pick(environment.fleet.serving);
    begin(slot.name);
    const before = slot.listen.latestConnection;
    const forgotten = slot.listen.blackHoleOpenOnes();
    const isBack = (): boolean => signal.aborted || slot.listen.latestConnection !== before;
    try {
      await until('LISTEN is back', isBack, LISTENER_BACK_MS);
    } catch {
      trouble(`${slot.name} did not listen again within ${LISTENER_BACK_MS} ms`);
    } finally {
      for (const connection of forgotten) connection.reset();
    }
  },
};

const BURST_MS = 4_000;
/**
 * The notifications of one statement. They differ, because PostgreSQL sends identical ones of one transaction only
 * once.
 */
const PER_STATEMENT = 500;
const BETWEEN_MS = 50;
const LONGEST = 7_999;

export const FORGED_NOTIFY: Fault = {
  name: 'forged-notify',
  does: 'NOTIFYs that nobody of us sent: garbage, 7,999 bytes, names that look right, thousands a second',
  lastsMs: { short: 5_000, long: 5_000 },
  weight: 6,
  countsFrom: 'publish',
  recoversWithinMs: 2_000,
  async inflict(scene) {
    scene.begin(`${scene.environment.fleet.ids.length} instances`);
    await forgeSome(scene);
    await forgeMany(scene);
  },
};

async function forgeSome({ environment: { database, fleet, clients } }: Scene): Promise<void> {
  const names = [...Object.keys(clients.groups), 'broadcast', ...clients.users.map((user) => `user:${user}`)];
  const payloads = [
    '',
    '!',
    '\u0001\u0002 garbage \n\n\n',
    'x'.repeat(LONGEST),
    'user:\n'.repeat(1_000),
    names.join('\n'),
  ];
  await database.query(
    `select pg_notify('trunkline_' || id, payload) from unnest($1::text[]) as id, unnest($2::text[]) as payload`,
    [fleet.ids, payloads],
  );
}

async function forgeMany({ environment: { database, fleet, clients }, signal }: Scene): Promise<void> {
  const endsAt = performance.now() + BURST_MS;
  while (performance.now() < endsAt) {
    await database.query(
      `select pg_notify('trunkline_' || id, 'user:' || $2::text || E'\\n' || turn)
         from unnest($1::text[]) as id, generate_series(1, $3::int) as turn`,
      [fleet.ids, clients.users[0], PER_STATEMENT],
    );
    await pause(BETWEEN_MS, signal);
  }
}
