import type { TestDatabase } from './test-database.js';

/** Writes the service hours of an instance that ran from so many days ago until so many days ago, as its jobs would. */
export async function serviceRan(database: TestDatabase, fromDaysAgo: number, toDaysAgo = 0): Promise<void> {
  await database.query(
    `insert into trunkline.service_hours
     select date_trunc('hour', hour, 'UTC')
       from generate_series(now() - make_interval(days => $1::int), now() - make_interval(days => $2::int), interval '1 hour') as hour
     on conflict do nothing`,
    [fromDaysAgo, toDaysAgo],
  );
}
