-- name: named_schemas
-- where variables let the runs of a project build
select v.value as name
from environment_variables as v
where v.project_id = :project_id and v.name = 'DBT_SCHEMA'

-- name: environments
-- whose schemas requests may not have; what a deleted one built may still be read
select e.id, e.project_id from environments as e order by e.id

-- name: newest_builds
-- the newest runs of environments that left artifacts, by where they built; requests build elsewhere
select max(r.id) as id, r.schema_name
from runs as r
where r.request = '' and r.has_artifacts = 1
    and r.environment_id in (select value from json_each(:ids))
group by r.environment_id, r.schema_name

-- name: note_schema
-- a request builds into a schema
insert into request_schemas (job_id, request, schema_name, opened_at, used_at)
values (:job_id, :request, :schema_name, :now, :now)
on conflict (job_id, request, schema_name) do update set used_at = :now, closed_at = null

-- name: open_schemas
-- what requests that are still open have built
select s.job_id, s.request, s.schema_name
from request_schemas as s
where s.closed_at is null
    and (:job_id is null or s.job_id = :job_id)
    and (:number is null or s.request like '% ' || :number)
    and (:used_before is null or s.used_at < :used_before)
order by s.id

-- name: close_schema
-- a request needs its schema no longer
update request_schemas set closed_at = :now
where job_id = :job_id and request = :request and schema_name = :schema_name

-- name: other_users
-- open requests that build into the schema of another one: numbers of two hosts may be the same
select s.job_id, s.request, s.schema_name
from request_schemas as s
where s.closed_at is null
    and lower(s.schema_name) = lower(:schema_name)
    and not (s.job_id = :job_id and s.request = :request)
order by s.id
