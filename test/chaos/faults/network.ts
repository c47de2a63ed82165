import { pause } from '../fixtures/pause.js';
import type { Fault } from './fault.js';

export const DATABASE_BLACK_HOLE: Fault = {
  name: 'database-black-hole',
  does: 'the network forgets all connections of an instance to PostgreSQL but LISTEN; new ones pass',
  lastsMs: { short: 13_000, long: 13_000 },
  weight: 4,
  countsFrom: 'end',
  recoversWithinMs: 5_000,
  async inflict({ environment, dice, begin, signal }) {
    const slot = dice.pick(environment.fleet.serving);
    begin(slot.name, { touched: [slot.name] });
    const forgotten = slot.database.blackHoleOpenOnes();
    try {
      // The instance gives up a statement without an answer after 12 s.
      await pause(12_500, signal);
    } finally {
      for (const connection of forgotten) connection.reset();
    }
  },
};

export const DATABASE_LATENCY: Fault = {
  name: 'database-latency',
  does: 'every packet between an instance and PostgreSQL takes 40 ms longer, each way',
  lastsMs: { short: 6_000, long: 6_000 },
  weight: 4,
  countsFrom: 'publish',
  recoversWithinMs: 3_000,
  async inflict({ environment, dice, begin, signal }) {
    const slot = dice.pick(environment.fleet.serving);
    begin(slot.name);
    slot.database.changeWeather({ latencyMs: 40 });
    try {
      await pause(6_000, signal);
    } finally {
      slot.database.clear();
    }
  },
};
