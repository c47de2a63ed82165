import { OwnPostgres } from '../../support/own-postgres.js';
import { Fleet, type FleetOptions } from './fleet.js';
import type { Member } from './member.js';
import type { Query } from './registered.js';

export interface Stage {
  readonly fleet: Fleet;
  readonly databaseUrl: string;
  readonly query: Query;
  /** They leave at the end. */
  readonly members: Member[];
}

/** A PostgreSQL and instances of a show's own, taken down whatever happens in it. */
export async function onStage<T>(
  options: Omit<FleetOptions, 'databaseUrl'>,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const postgres = await OwnPostgres.start();
  const members: Member[] = [];
  let fleet: Fleet | undefined;
  try {
    fleet = await Fleet.open({ ...options, databaseUrl: postgres.url });
    const query: Query = (text, values) => postgres.query(text, values);
    return await play({ fleet, databaseUrl: postgres.url, query, members });
  } finally {
    for (const member of members) member.leave();
    await fleet?.end();
    await postgres.remove();
  }
}
