import type { Attack } from './attack.js';
import { BIG_BODIES } from './attackers/big-bodies.js';
import { COMINGS } from './attackers/comings.js';
import { FLOODS } from './attackers/floods.js';
import { FRAME_TRICKS } from './attackers/frame-tricks.js';
import { HTTP } from './attackers/http.js';
import { STRANGERS } from './attackers/strangers.js';

export const ATTACKS: readonly Attack[] = [
  ...BIG_BODIES,
  ...FLOODS,
  ...STRANGERS,
  ...HTTP,
  ...FRAME_TRICKS,
  ...COMINGS,
];

/**
 * Finds an attack by its name.
 * @throws Error that lists the names there are
 */
export function attackNamed(name: string): Attack {
  const attack = ATTACKS.find((each) => each.name === name);
  if (attack) return attack;
  throw new Error(`there is no attack "${name}"; there are ${ATTACKS.map((each) => each.name).join(', ')}`);
}
