-- part: of_filter
-- the runs that a caller asks for
where (:account_id is null or r.account_id = :account_id)
    and (:job_id is null or r.job_id = :job_id)
    and (:project_ids is null or r.project_id in (select value from json_each(:project_ids)))
    and (:environment_id is null or r.environment_id = :environment_id)
    and (:statuses is null or r.status in (select value from json_each(:statuses)))
    and (:run_ids is null or r.id in (select value from json_each(:run_ids)))
    and (:cause_categories is null
        or r.cause_category in (select value from json_each(:cause_categories)))
    and (:created_from is null or r.created_at >= :created_from)
    and (:created_to is null or r.created_at <= :created_to)
    and (:finished_from is null or r.finished_at >= :finished_from)
    and (:finished_to is null or r.finished_at <= :finished_to)
    and (:id_above is null or r.id > :id_above)
    and (:has_docs is null or :has_docs
        = case when r.generate_docs = 1 and r.status = @success then 1 else 0 end)
    and (:has_sources is null or :has_sources
        = case when r.run_source_freshness = 1 and r.status in (@ended) then 1 else 0 end)
    and (:dbt_versions is null or r.dbt_version in (select value from json_each(:dbt_versions)))
    and (:requests is null or r.request in (select value from json_each(:requests)))
    and (:deferring_run_id is null or r.deferring_run_id = :deferring_run_id)
    and (:search is null or r.job_id in (
        select s.id from jobs as s where instr(lower(s.name), lower(:search)) > 0
    ))

-- part: in_order
-- the orders that lists of runs can have
order by
    case when :order_by = '-id' then r.id end desc,
    case when :order_by = 'created_at' then r.created_at end,
    case when :order_by = '-created_at' then r.created_at end desc,
    case when :order_by = '-created_at' then r.id end desc,
    case when :order_by = 'finished_at' then r.finished_at end nulls first,
    case when :order_by = '-finished_at' then r.finished_at end desc nulls last,
    case when :order_by = '-finished_at' then r.id end desc,
    r.id

-- part: with_names
-- runs with the names that pages show
select
    r.*, j.name as job_name, j.description as job_description, j.state as job_state,
    e.name as environment_name
from runs as r
inner join jobs as j on r.job_id = j.id
inner join environments as e on r.environment_id = e.id

-- name: add_run
-- queue a run
insert into runs (
    account_id, project_id, environment_id, job_id, status, cause, cause_category, overrides,
    steps, schema_name, target_name, threads, timeout_seconds, run_source_freshness,
    generate_docs, dbt_version, git_branch, git_sha, scheduled_for, attempts_left, request,
    deferring_environment_id, created_at, updated_at
)
values (
    :account_id, :project_id, :environment_id, :job_id, @queued, :cause, :cause_category, :overrides,
    :steps, :schema_name, :target_name, :threads, :timeout_seconds, :run_source_freshness,
    :generate_docs, :dbt_version, :git_branch, :git_sha, :scheduled_for, :attempts_left, :request,
    :deferring_environment_id, :now, :now
)
returning id

-- name: get_run
-- one run, of an account when asked
select r.* from runs as r
where r.id = :run_id and (:account_id is null or r.account_id = :account_id)

-- name: list_runs
-- one page of runs; its ids are found without the rows
select r.*
from runs as r
where r.id in (
    select r.id
    from runs as r
    @of_filter
    @in_order
    limit :limit offset :offset
)
@in_order

-- name: newest_runs
-- one page of runs with their names, newest first
@with_names
where r.id in (
    select r.id
    from runs as r
    @of_filter
    order by r.id desc
    limit :limit offset :offset
)
order by r.id desc

-- name: get_placed_run
-- the page of a run
@with_names
where r.account_id = :account_id and r.id = :run_id

-- name: active_runs
-- who waits and who goes on: few of all runs, so found by status (an account's index holds them all)
@with_names
where r.status in (@active) and r.account_id + 0 = :account_id
order by r.id

-- name: count_active_runs
-- the counts in the frame
select
    count(*) filter (where r.status = @queued) as queued,
    count(*) filter (where r.status in (@held)) as running
from runs as r
where r.status in (@active) and r.account_id + 0 = :account_id

-- name: engine_signs
-- what the engine leaves undone
select
    (
        select min(r.created_at) from runs as r
        where r.status = @queued and r.wait_reason = '' and r.account_id + 0 = :account_id
    ) as oldest_unclaimed_at,
    (
        select min(r.lease_expires_at) from runs as r
        where r.status in (@held) and r.account_id + 0 = :account_id
    ) as oldest_lease_at,
    (
        select min(j.next_run_at) from jobs as j
        where j.state = 1 and j.is_scheduled = 1 and j.account_id + 0 = :account_id
    ) as oldest_tick_at

-- name: last_outcomes
-- the newest runs of some jobs, for the strips
select
    r.id, r.job_id, r.status, r.is_crashed, r.is_timed_out, r.created_at, r.started_at,
    r.finished_at
from jobs as j
inner join runs as r on r.id in (
    select n.id from runs as n where n.job_id = j.id order by n.id desc limit :per_job
)
where j.id in (select value from json_each(:job_ids))
order by r.id

-- name: request_cancel
-- ask the worker of a run to cancel it
update runs
set cancel_requested_at = coalesce(cancel_requested_at, :now), updated_at = :now
where id = :run_id and status in (@held)

-- name: mark_artifacts
-- a run has artifacts from now on
update runs set has_artifacts = 1, updated_at = :now where id = :run_id

-- name: save_commit
-- the commit a run works on
update runs
set git_sha = :git_sha, git_branch = :git_branch, has_changes = :has_changes, updated_at = :now
where id = :run_id

-- name: older_ticks
-- ticks of a job that still wait when a newer one comes
select r.id from runs as r
where r.job_id = :job_id and r.id < :run_id and r.status = @queued and r.cause_category = 'scheduled'

-- name: has_tick
-- whether a tick was queued already
select 1 from runs where job_id = :job_id and scheduled_for = :scheduled_for

-- name: most_recent_runs
-- the newest run of each of some jobs, or the newest that ended
select r.*
from jobs as j
inner join runs as r on r.id = (
    select s.id
    from runs as s
    where s.job_id = j.id and (:is_ended = 0 or s.status in (@ended))
    order by s.id desc
    limit 1
)
where j.id in (select value from json_each(:job_ids))

-- name: newest_run_ids
-- the newest run of each of some jobs
select j.id as job_id, (select max(r.id) from runs as r where r.job_id = j.id) as run_id
from jobs as j
where j.id in (select value from json_each(:job_ids))

-- name: queued_runs_of_job
-- what to cancel when a job is deleted
select id from runs where job_id = :job_id and status = @queued

-- name: last_run_with_artifacts
-- the newest run of a job that ended and left artifacts; one that drops schemas leaves none of its
select r.*
from runs as r
where r.job_id = :job_id and r.has_artifacts = 1 and r.status in (@ended)
    and json_extract(r.overrides, '$.drops_schemas') is null
order by r.id desc
limit 1

-- name: active_runs_of_jobs
-- runs of some jobs that wait or go on: a later one starts after them
select r.id, r.job_id
from runs as r
where r.job_id in (select value from json_each(:job_ids)) and r.status in (@active)
order by r.id

-- name: runs_of_request
-- runs of a request that wait or go on, older than the newest
select r.id, r.status
from runs as r
where r.job_id = :job_id and r.request = :request and r.id < :run_id and r.status in (@active)
order by r.id

-- name: cancel_for
-- ask the worker of a run to cancel it, and say why
update runs
set cancel_requested_at = coalesce(cancel_requested_at, :now), cancel_reason = :reason,
    updated_at = :now
where id = :run_id and status in (@held)
