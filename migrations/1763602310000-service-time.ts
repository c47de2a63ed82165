import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Absence is counted in the time in which the service ran: nobody can come while it is off. */
export class ServiceTime1763602310000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
-- The hours in which a cleanup job ran, and so an instance: 8,760 rows a year.
create table trunkline.service_hours (
  hour timestamptz constraint service_hours_pkey primary key
);
insert into trunkline.service_hours select distinct date_trunc('hour', finished_at, 'UTC') from trunkline.job_runs;

-- The moment since which the service has run for so long, in whole hours; -infinity if it has not run that long yet.
-- Reads the index of the hours. In a WHERE it stands in a subquery, so that it is asked once and not for every row.
create function trunkline.service_ago(span interval) returns timestamptz language sql stable as $$
  select coalesce((select hour from trunkline.service_hours order by hour desc
                    offset ceil(extract(epoch from span) / 3600)::bigint limit 1), '-infinity')
$$;
`;
