import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Retention that nobody notices: one partition at a time, without queueing publishers, and not before it is delivered. */
export class Retention1763600900000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(UP);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward; restore a backup instead'));
  }
}

const UP = /* sql */ `
drop function trunkline.drop_partitions(text, date, integer);

-- The daily partitions that end before the given day, oldest first.
create function trunkline.old_partitions(parent text, before date) returns setof text language sql stable as $$
  select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = to_regclass('trunkline.' || quote_ident(parent))
     and c.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}_[0-9]{2}$')
     and to_date(right(c.relname, 10), 'YYYY_MM_DD') < before
   order by 1
$$;

-- Dropping takes ACCESS EXCLUSIVE on the parent, for milliseconds once it has it; while it waits for whoever reads just
-- now, every publisher queues behind it. So it waits only this long and fails (55P03); the caller tries again. DETACH
-- CONCURRENTLY would not wait, but cannot be used beside a default partition. The files are removed after the locks.
create function trunkline.drop_partition(parent text, name text) returns boolean language plpgsql
set lock_timeout = '40ms' as $$
begin
  if name not in (select trunkline.old_partitions(parent, 'infinity')) then
    return false;
  end if;
  execute format('drop table trunkline.%I', name);
  return true;
end $$;

-- True if some device is still to receive an unexpired message of this partition of messages. Cursors are cumulative, so
-- the last such message of each channel decides. Users without a device hold nothing up: they are as good as idle.
create function trunkline.has_undelivered(name text) returns boolean language plpgsql stable as $$
declare
  answer boolean;
begin
  execute format($q$
    with ends as (
      select channel, max(seq) as seq from trunkline.%I
       where expires_at is null or expires_at > clock_timestamp() group by channel
    ), readers as (
      select user_id, device_id, 'user:' || user_id as channel, 0 as first_seq from trunkline.devices
       union all
      select user_id, device_id, 'broadcast', null from trunkline.devices
       union all
      select d.user_id, d.device_id, m.channel, m.joined_seq
        from trunkline.memberships m join trunkline.devices d on d.user_id = m.user_id
    )
    select exists (
      select from ends e
        join readers r on r.channel = e.channel
        left join trunkline.cursors c on c.user_id = r.user_id and c.device_id = r.device_id and c.channel = r.channel
       where greatest(coalesce(c.delivered_seq, r.first_seq, e.seq), r.first_seq) < e.seq)
  $q$, name) into answer;
  return answer;
end $$;
`;
