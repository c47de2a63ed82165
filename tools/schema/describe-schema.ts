import type { Client } from 'pg';

const TABLES = `
  select c.oid, c.relname as name, c.relpersistence = 'u' as unlogged, pg_get_partkeydef(c.oid) as partition_key,
         array_to_string(c.reloptions, ', ') as options
    from pg_class c where c.relnamespace = 'trunkline'::regnamespace and c.relkind in ('r', 'p')
     and not c.relispartition and c.relname <> 'migrations' order by c.relname`;
const COLUMNS = `
  select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         || case when co.collname not in ('default') then ' collate "' || co.collname || '"' else '' end
         || case when a.attnotnull then ' not null' else '' end
         || case when a.attidentity <> '' then ' generated always as identity' else '' end
         || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as definition
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation co on co.oid = a.attcollation
   where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`;
// Since version 18 a not-null is a constraint as well; the columns show it already.
const CONSTRAINTS = `
  select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as definition
    from pg_constraint where conrelid = $1 and contype <> 'n' order by conname`;
const INDEXES = `
  select indexdef || ';' as definition from pg_indexes where schemaname = 'trunkline' and tablename = $1
     and not exists (select from pg_constraint where conname = indexname) order by indexname`;
const PARTITIONS = `
  select 'create table trunkline.' || c.relname || ' partition of trunkline.' || $2 || ' '
         || lower(pg_get_expr(c.relpartbound, c.oid)) || ';' as definition
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1 order by c.relname`;
const VIEWS = `
  select 'create view trunkline.' || viewname || ' as' || chr(10) || definition as definition
    from pg_views where schemaname = 'trunkline' order by viewname`;
// The arguments decide the order of two functions of one name, so that it does not depend on which was made first.
const FUNCTIONS = `
  select pg_get_functiondef(oid) || ';' as definition from pg_proc
   where pronamespace = 'trunkline'::regnamespace order by proname, pg_get_function_identity_arguments(oid)`;
const COMMENTS = `
  select 'comment on ' || object || ' is ' || quote_literal(text) || ';' as definition
    from (select case when c.relkind = 'v' then 1 else 0 end as place, c.relname as name, d.objsubid as part,
                 case when d.objsubid > 0 then 'column trunkline.' || c.relname || '.' || a.attname
                      when c.relkind = 'v' then 'view trunkline.' || c.relname
                      else 'table trunkline.' || c.relname end as object, d.description as text
            from pg_description d join pg_class c on d.classoid = 'pg_class'::regclass and c.oid = d.objoid
            left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
           where c.relnamespace = 'trunkline'::regnamespace
          union all
          select 2, p.proname || pg_get_function_identity_arguments(p.oid), 0,
                 'function trunkline.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', d.description
            from pg_description d join pg_proc p on d.classoid = 'pg_proc'::regclass and p.oid = d.objoid
           where p.pronamespace = 'trunkline'::regnamespace) as comments
   order by place, name, part`;

interface Table {
  oid: number;
  name: string;
  unlogged: boolean;
  partition_key: string | null;
  options: string | null;
}

/**
 * Describes the schema that a database has as SQL, comments included. It is read from PostgreSQL's catalogue, because the
 * embedded PostgreSQL has no pg_dump. The session is left with another search_path.
 */
export async function describeSchema(client: Client): Promise<string> {
  // Names in views then carry their schema, whatever role asks.
  await client.query('set search_path = pg_catalog, pg_temp; set quote_all_identifiers = off');
  const list = async (text: string, values: unknown[] = []): Promise<string[]> =>
    (await client.query<{ definition: string }>(text, values)).rows.map(({ definition }) => definition);
  const { rows: tables } = await client.query<Table>(TABLES);
  const parts = ['-- Generated from the migrations by `npm run schema`; compared by `npm run check`.'];
  for (const table of tables) {
    const body = [...(await list(COLUMNS, [table.oid])), ...(await list(CONSTRAINTS, [table.oid]))];
    const after =
      (table.partition_key ? ` partition by ${table.partition_key.toLowerCase()}` : '') +
      (table.options ? ` with (${table.options})` : '');
    const create = `create ${table.unlogged ? 'unlogged ' : ''}table trunkline.${table.name} (\n  ${body.join(',\n  ')}\n)${after};`;
    parts.push(
      [create, ...(await list(INDEXES, [table.name])), ...(await list(PARTITIONS, [table.oid, table.name]))].join('\n'),
    );
  }
  parts.push(...(await list(VIEWS)), ...(await list(FUNCTIONS)), (await list(COMMENTS)).join('\n'));
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}
