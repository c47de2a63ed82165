import type { TestDatabase } from './test-database.js';

/** As if an instance had run from so many days ago until so many days ago, as its jobs write it down. */
export async function serviceRan({ query }: TestDatabase, fromDaysAgo: number, toDaysAgo = 0): Promise<void> {
  await query(
    `insert into trunkline.service_hours
     select date_trunc('hour', hour, 'UTC')
       from generate_series(now() - make_interval(days => $1::int), now() - make_interval(days => $2::int), interval '1 hour') as hour
     on conflict do nothing`,
    [fromDaysAgo, toDaysAgo],
  );
}
