import { attackNamed } from './attack/catalog.js';
import { expectHeld } from './attack/expect-held.js';

/** One of each family; all of them are tried by npm run test:long, and measured by npm run attack. */
it.each(['publish-bytes', 'publish-flood', 'refused-transports', 'json-without-key', 'tiny-fragments', 'device-flood'])(
  '%s takes the instance from nobody',
  (name) => expectHeld(attackNamed(name)),
  120_000,
);
