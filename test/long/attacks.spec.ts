import { ATTACKS } from '../limits/attack/catalog.js';
import { expectHeld } from '../limits/attack/expect-held.js';

it.each(ATTACKS.map((attack) => [attack.name, attack.does, attack] as const))(
  '%s takes the instance from nobody: %s',
  (_, __, attack) => expectHeld(attack),
  120_000,
);
