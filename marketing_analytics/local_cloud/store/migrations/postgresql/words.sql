-- The functions of SQLite that our statements use, made anew at every start.

-- where a text begins in another, 0 when it is not in it
create or replace function instr(whole text, part text) returns integer
language sql immutable as $$ select strpos(whole, part) $$;

-- a time of the store in days
create or replace function julianday(moment text) returns double precision
language sql stable as $$
    select extract(epoch from cast(moment as timestamptz)) / 86400.0 + 2440587.5
$$;

-- a value of a document by a path such as `$.triggers.schedule`; truths are 1 and 0
create or replace function json_extract(document text, path text) returns text
language sql immutable as $$
    select case value when 'true' then '1' when 'false' then '0' else value #>> '{}' end
    from (
        select jsonb_path_query_first(cast(document as jsonb), cast(path as jsonpath)) as value
    ) as found
$$;
