-- name: get_job
-- a job with its failures since the last success
select id, account_id, project_id, environment_id, name, description, payload, cron, is_scheduled,
    next_run_at, state, created_at, updated_at,
    -- failures since the last success
    (
        select count(*)
        from runs as r
        where r.job_id = jobs.id
            and r.status = @error
            and r.id > coalesce(
                (select max(s.id) from runs as s where s.job_id = jobs.id and s.status = @success), 0
            )
    ) as run_failure_count
from jobs
where id = :job_id
    and (:account_id is null or account_id = :account_id)
    and (:any_state or state = 1)

-- name: list_jobs
-- one page of jobs, and how many match in all
select id, account_id, project_id, environment_id, name, description, payload, cron, is_scheduled,
    next_run_at, state, created_at, updated_at,
    -- failures since the last success
    (
        select count(*)
        from runs as r
        where r.job_id = jobs.id
            and r.status = @error
            and r.id > coalesce(
                (select max(s.id) from runs as s where s.job_id = jobs.id and s.status = @success), 0
            )
    ) as run_failure_count, count(*) over () as total_count
from jobs
where account_id = :account_id
    and (:state is null or state = :state)
    and (:pk is null or id in (select value from json_each(:pk)))
    and (:project_id is null or project_id in (select value from json_each(:project_id)))
    and (:environment_id is null or environment_id in (select value from json_each(:environment_id)))
    and (:name__icontains is null or instr(lower(name), lower(:name__icontains)) > 0)
    and (:dbt_version is null
        or json_extract(payload, '$.dbt_version') in (select value from json_each(:dbt_version)))
    and (:triggers_schedule is null
        or json_extract(payload, '$.triggers.schedule') = :triggers_schedule)
    and (:job_type is null or json_extract(payload, '$.job_type') = :job_type)
order by
    case when :order_by = '-id' then id end desc,
    case when :order_by = 'name' then name end,
    case when :order_by = '-name' then name end desc,
    case when :order_by = 'created_at' then created_at end,
    case when :order_by = '-created_at' then created_at end desc,
    case when :order_by = 'updated_at' then updated_at end,
    case when :order_by = '-updated_at' then updated_at end desc,
    case when :order_by = 'project_id' then project_id end,
    case when :order_by = '-project_id' then project_id end desc,
    case when :order_by = 'environment_id' then environment_id end,
    case when :order_by = '-environment_id' then environment_id end desc,
    id
limit :limit offset :offset

-- name: count_jobs
-- how many match, asked when a page lies beyond the end
select count(*)
from jobs
where account_id = :account_id
    and (:state is null or state = :state)
    and (:pk is null or id in (select value from json_each(:pk)))
    and (:project_id is null or project_id in (select value from json_each(:project_id)))
    and (:environment_id is null or environment_id in (select value from json_each(:environment_id)))
    and (:name__icontains is null or instr(lower(name), lower(:name__icontains)) > 0)
    and (:dbt_version is null
        or json_extract(payload, '$.dbt_version') in (select value from json_each(:dbt_version)))
    and (:triggers_schedule is null
        or json_extract(payload, '$.triggers.schedule') = :triggers_schedule)
    and (:job_type is null or json_extract(payload, '$.job_type') = :job_type)

-- name: add_job
-- create a job
insert into jobs (
    account_id, project_id, environment_id, name, description, payload, cron, is_scheduled,
    next_run_at, created_at, updated_at
)
values (
    :account_id, :project_id, :environment_id, :name, :description, :payload, :cron,
    :is_scheduled, :next_run_at, :now, :now
)
returning id

-- name: save_job
-- write every field of a job
update jobs
set project_id = :project_id,
    environment_id = :environment_id,
    name = :name,
    description = :description,
    payload = :payload,
    cron = :cron,
    is_scheduled = :is_scheduled,
    next_run_at = :next_run_at,
    state = :state,
    updated_at = :now
where id = :job_id
