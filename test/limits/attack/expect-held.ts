import type { Attack } from './attack.js';
import { runAttack } from './run-attack.js';
import { breaches } from './verdict.js';

const SECONDS = 2;

/**
 * Runs a short form of an attack, for the specs. Delays are not judged here but by `npm run attack`, which has the
 * machine for itself.
 * @throws Error with the seed, what did not hold, and what the attacker met
 */
export async function expectHeld(attack: Attack): Promise<void> {
  const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const run = await runAttack(attack, { seed, seconds: SECONDS });
  const broken = breaches(attack, run);
  if (broken.length === 0) return;
  throw new Error([`TEST_SEED=${seed}`, ...broken, `the attacker: ${JSON.stringify(run.attacker)}`].join('\n'));
}
