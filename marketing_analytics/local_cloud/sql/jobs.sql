-- part: in_order
-- the orders that lists of jobs can have
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

-- name: get_job
-- one job, of an account when asked
select j.*
from jobs as j
where id = :job_id
    and (:account_id is null or account_id = :account_id)
    and (:any_state = 1 or state = 1)

-- name: get_jobs
-- some jobs, also deleted ones
select j.*
from jobs as j
where j.id in (select value from json_each(:job_ids))

-- name: get_placed_job
-- the page of a job, also of a deleted one
select
    j.*, e.name as environment_name, p.name as project_name
from jobs as j
inner join environments as e on j.environment_id = e.id
inner join projects as p on j.project_id = p.id
where j.account_id = :account_id and j.id = :job_id

-- name: list_lines
-- one page of the lines of the page of all jobs, by name
select
    j.id, j.name, j.description, j.cron, j.is_scheduled, j.next_run_at, j.environment_id,
    e.name as environment_name
from jobs as j
inner join environments as e on j.environment_id = e.id
where j.id in (
    select j.id
    from jobs as j
    where j.account_id = :account_id
        and j.state = 1
        and (:environment_id is null or j.environment_id = :environment_id)
        and (:is_scheduled is null or j.is_scheduled = :is_scheduled)
        and (:words is null or not exists (
            select 1 from json_each(:words) as w
            where instr(lower(j.name || ' ' || j.description || ' ' || j.id), w.value) = 0
        ))
        and (:tone is null or :tone = coalesce(
            (
                select
                    case
                        when r.is_crashed = 1 or r.is_timed_out = 1 or r.status = @error then 'error'
                        when r.status = @queued then 'queued'
                        when r.status in (@held) then 'running'
                        when r.status = @success then 'success'
                        else 'cancelled'
                    end
                from runs as r where r.job_id = j.id order by r.id desc limit 1
            ),
            'never'
        ))
    order by j.name, j.id
    limit :limit offset :offset
)
order by j.name, j.id

-- name: list_jobs
-- one page of jobs; its ids are found without the rows
select j.*
from jobs as j
where id in (
    select id
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
            or cast(json_extract(payload, '$.triggers.schedule') as integer) = :triggers_schedule)
        and (:job_type is null or json_extract(payload, '$.job_type') = :job_type)
    @in_order
    limit :limit offset :offset
)
@in_order

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

-- name: due_jobs
-- the jobs whose next tick has come
select j.id, j.cron, j.next_run_at
from jobs as j
where j.state = 1 and j.is_scheduled = 1 and j.cron is not null
    and (j.next_run_at is null or j.next_run_at <= :now)

-- name: jobs_planned_after
-- the jobs whose next tick lies behind a moment
select j.id, j.cron, j.next_run_at
from jobs as j
where j.state = 1 and j.is_scheduled = 1 and j.cron is not null and j.next_run_at > :moment

-- name: set_next_run
-- take a tick; no row when the job was edited or another took it
update jobs set next_run_at = :next_run_at
where id = :job_id and cron = :cron and next_run_at is not distinct from :old_next_run_at

-- name: jobs_after
-- the jobs that wait for this job to end like this
select j.id
from jobs as j
where j.state = 1 and j.id != :job_id
    and json_extract(j.payload, '$.job_completion_trigger_condition.condition.job_id') = :job_id
    and exists (
        select 1
        from json_each(j.payload, '$.job_completion_trigger_condition.condition.statuses') as s
        where s.value = :status
    )
