import type { TestDatabase } from '../../../support/test-database.js';
import { MALLORY } from '../lair.js';

export const CROWD_CHANNEL = 'group:crowd';

/** Makes a group of 1,000 members, of whom the attacker is one. */
export async function makeCrowd(database: TestDatabase): Promise<void> {
  await database.query(
    `insert into trunkline.memberships (channel, user_id, joined_seq)
     select $1, 'member-' || n, 0 from generate_series(1, 999) as n union all select $1, $2, 0`,
    [CROWD_CHANNEL, MALLORY],
  );
}
