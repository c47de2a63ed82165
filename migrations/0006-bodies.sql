-- Bodies of messages: JSON texts, how two of them compare, and what is allowed in one that is published from SQL.

create function trunkline.is_same_json(a text, b text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  return a = b or a::jsonb = b::jsonb;
exception when data_exception or program_limit_exceeded then
  return false; -- numbers that only text can hold
end $$;
comment on function trunkline.is_same_json is
  'Tells whether two texts hold the same JSON value; called for the one repeat in thousands where they differ as '
  'texts.';

create function trunkline.exceeds_double(number text) returns boolean
language plpgsql immutable parallel safe as $$
begin
  perform number::float8;
  return false;
exception when numeric_value_out_of_range then
  begin
    return abs(number::numeric) > 1;
  exception when numeric_value_out_of_range then
    return number !~ '[eE]-';
  end;
end $$;
comment on function trunkline.exceeds_double is
  'Tells whether a number of JSON is beyond what a double holds. One that is too small for a double becomes 0 in '
  'every reader, and is not.';

-- It looks at the text, because jsonb drops repeated keys and what was nested in them. No setting of the caller may change
-- what it finds.
create function trunkline.check_body(body text) returns void
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
declare
  bare text;
  opened integer;
begin
  if body is null or octet_length(body) > 65536 then
    raise exception 'trunkline 1003: data is null or longer than 65536 bytes' using errcode = 'invalid_parameter_value';
  end if;
  begin
    perform body::json;
  exception
    when statement_too_complex then
      raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
    when data_exception then
      raise exception 'trunkline 1015: data is not JSON; a string needs its double quotes'
        using errcode = 'invalid_parameter_value';
  end;
  -- A space in the place of what is taken out, so that its neighbours do not become a pair.
  if position('\u' in body) > 0 and regexp_replace(replace(body, '\\', ' '),
       '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g') ~ '\\u0000|\\u[dD][89a-fA-F]' then
    raise exception 'trunkline 1006: data holds \u0000 or half a surrogate pair' using errcode = 'invalid_parameter_value';
  end if;
  -- Shorter ones cannot hold as many keys or levels.
  if octet_length(body) < 66 and body !~ '\d[eE]' then
    return;
  end if;
  bare := regexp_replace(body, '"(?:[^"\\]|\\.)*"', '""', 'g');
  if length(bare) - length(replace(bare, ':', '')) > 1000 then
    raise exception 'trunkline 1005: data has more than 1000 keys' using errcode = 'invalid_parameter_value';
  end if;
  opened := length(bare) - length(translate(bare, '[{', ''));
  if opened > 32 and (
       select max(depth) > 32
         from (select sum(case when c in ('[', '{') then 1 else -1 end) over (order by ord) as depth
                 from string_to_table(regexp_replace(bare, '[^][{}]', '', 'g'), null) with ordinality as b (c, ord)) as levels) then
    raise exception 'trunkline 1004: data is nested deeper than 32 levels' using errcode = 'invalid_parameter_value';
  end if;
  if bare ~ '\d[eE]|\d{255}' and exists (
       select from regexp_matches(bare, '-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?', 'g') as n (number)
        where (n.number[1] ~ '[eE]' or length(n.number[1]) > 308) and trunkline.exceeds_double(n.number[1])) then
    raise exception 'trunkline 1018: data holds a number beyond what a double holds, about 1.8e308; send it as a string'
      using errcode = 'invalid_parameter_value';
  end if;
end $$;
comment on function trunkline.check_body is
  'Raises what is wrong with the JSON text of a body: the limits and numbers of libs/protocol/src/body.ts.';
