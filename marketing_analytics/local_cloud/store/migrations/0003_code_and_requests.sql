-- Which code a run works on, and for which pull or merge request.

alter table projects add column payload text not null default '{}';
alter table runs add column has_changes integer not null default 0;
-- such as `github 12`, '' for none
alter table runs add column request text not null default '';
alter table runs add column cancel_reason text;
alter table runs add column deferring_environment_id integer;
alter table runs add column deferring_run_id integer;
create index runs_by_request on runs (job_id, request) where request <> '';

-- the schemas that runs of open requests have built into, until they are dropped
create table request_schemas (
    id integer primary key,
    job_id integer not null references jobs (id),
    request text not null,
    schema_name text not null,
    opened_at text not null,
    used_at text not null,
    closed_at text,
    unique (job_id, request, schema_name)
);
