-- name: job
-- what a new run takes over from its job and environment
select
    j.id, j.account_id, j.project_id, j.environment_id, j.name, j.payload, j.state,
    e.schema_name
from jobs as j
inner join environments as e on j.environment_id = e.id
where j.id = :job_id

-- name: add_run
-- queue a run
insert into runs (
    account_id, project_id, environment_id, job_id, status, cause, cause_category, overrides,
    steps, schema_name, target_name, threads, timeout_seconds, run_source_freshness,
    generate_docs, dbt_version, git_branch, git_sha, scheduled_for, attempts_left,
    created_at, updated_at
)
values (
    :account_id, :project_id, :environment_id, :job_id, @queued, :cause, :cause_category, :overrides,
    :steps, :schema_name, :target_name, :threads, :timeout_seconds, :run_source_freshness,
    :generate_docs, :dbt_version, :git_branch, :git_sha, :scheduled_for, :attempts_left,
    :now, :now
)
returning id

-- name: get_run
-- one run, of an account when asked
select r.* from runs as r
where r.id = :run_id and (:account_id is null or r.account_id = :account_id)

-- name: list_runs
-- one page of runs, and how many match in all
select r.*, count(*) over () as total_count
from runs as r
where (:account_id is null or r.account_id = :account_id)
    and (:job_id is null or r.job_id = :job_id)
    and (:project_ids is null or r.project_id in (select value from json_each(:project_ids)))
    and (:environment_id is null or r.environment_id = :environment_id)
    and (:statuses is null or r.status in (select value from json_each(:statuses)))
    and (:run_ids is null or r.id in (select value from json_each(:run_ids)))
    and (:cause_category is null or r.cause_category = :cause_category)
    and (:created_from is null or r.created_at >= :created_from)
    and (:created_to is null or r.created_at <= :created_to)
    and (:finished_from is null or r.finished_at >= :finished_from)
    and (:finished_to is null or r.finished_at <= :finished_to)
    and (:id_above is null or r.id > :id_above)
    and (:generate_docs is null or r.generate_docs = :generate_docs)
order by
    case when :order_by = '-id' then r.id end desc,
    case when :order_by = 'created_at' then r.created_at end,
    case when :order_by = '-created_at' then r.created_at end desc,
    case when :order_by = 'finished_at' then r.finished_at end,
    case when :order_by = '-finished_at' then r.finished_at end desc,
    r.id
limit :limit offset :offset

-- name: count_runs
-- how many match, asked when a page lies beyond the end
select count(*) as total_count
from runs as r
where (:account_id is null or r.account_id = :account_id)
    and (:job_id is null or r.job_id = :job_id)
    and (:project_ids is null or r.project_id in (select value from json_each(:project_ids)))
    and (:environment_id is null or r.environment_id = :environment_id)
    and (:statuses is null or r.status in (select value from json_each(:statuses)))
    and (:run_ids is null or r.id in (select value from json_each(:run_ids)))
    and (:cause_category is null or r.cause_category = :cause_category)
    and (:created_from is null or r.created_at >= :created_from)
    and (:created_to is null or r.created_at <= :created_to)
    and (:finished_from is null or r.finished_at >= :finished_from)
    and (:finished_to is null or r.finished_at <= :finished_to)
    and (:id_above is null or r.id > :id_above)
    and (:generate_docs is null or r.generate_docs = :generate_docs)

-- name: request_cancel
-- ask the worker of a run to cancel it
update runs
set cancel_requested_at = coalesce(cancel_requested_at, :now), updated_at = :now
where id = :run_id and status in (@held)

-- name: list_steps
-- the steps of a run in order
select s.* from run_steps as s where s.run_id = :run_id order by s.step_index

-- name: list_nodes
-- the dbt nodes of a run or of one step, in order of start
select n.* from run_nodes as n
where n.run_id = :run_id and (:step_index is null or n.step_index = :step_index)
order by n.step_index, n.started_at, n.unique_id

-- name: add_step
-- a step that waits
insert into run_steps (run_id, step_index, name, command, status, log_path, created_at)
values (:run_id, :step_index, :name, :command, @queued, :log_path, :now)

-- name: start_step
-- a step begins
update run_steps set status = @running, started_at = :now
where run_id = :run_id and step_index = :step_index

-- name: end_step
-- a step ends
update run_steps set status = :status, finished_at = :now
where run_id = :run_id and step_index = :step_index

-- name: cancel_open_steps
-- steps that a run which ended has not finished
update run_steps
set status = @cancelled, finished_at = case when started_at is not null then :now end
where run_id = :run_id and status in (@active)

-- name: end_open_nodes
-- nodes that a run which ended has not finished
update run_nodes set status = 'cancelled', finished_at = :now
where run_id = :run_id and status = 'started'

-- name: drop_nodes
-- the nodes of a try that is repeated
delete from run_nodes where run_id = :run_id

-- name: drop_steps
-- the steps of a try that is repeated
delete from run_steps where run_id = :run_id

-- name: save_node
-- a node as far as it is known; what is not told again is kept
insert into run_nodes (
    run_id, step_index, unique_id, name, resource_type, status, thread, started_at, finished_at,
    execution_seconds, message
)
values (
    :run_id, :step_index, :unique_id, :name, :resource_type, :status, :thread, :started_at,
    :finished_at, :execution_seconds, :message
)
on conflict (run_id, step_index, unique_id) do update set
    status = excluded.status,
    thread = coalesce(excluded.thread, thread),
    started_at = coalesce(excluded.started_at, started_at),
    finished_at = coalesce(excluded.finished_at, finished_at),
    execution_seconds = coalesce(excluded.execution_seconds, execution_seconds),
    message = coalesce(excluded.message, message)

-- name: mark_artifacts
-- a run has artifacts from now on
update runs set has_artifacts = 1, updated_at = :now where id = :run_id

-- name: save_commit
-- the commit a run works on
update runs set git_sha = :git_sha, git_branch = :git_branch, updated_at = :now
where id = :run_id

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

-- name: due_jobs
-- the jobs whose next tick has come
select j.id, j.name, j.cron, j.next_run_at
from jobs as j
where j.state = 1 and j.is_scheduled = 1 and j.cron is not null
    and (j.next_run_at is null or j.next_run_at <= :now)

-- name: set_next_run
-- take a tick; no row when the job was edited or another took it
update jobs set next_run_at = :next_run_at
where id = :job_id and cron = :cron and next_run_at is :old_next_run_at

-- name: older_ticks
-- ticks of a job that still wait when a newer one comes
select r.id from runs as r
where r.job_id = :job_id and r.id < :run_id and r.status = @queued and r.cause_category = 'scheduled'

-- name: has_tick
-- whether a tick was queued already
select 1 from runs where job_id = :job_id and scheduled_for = :scheduled_for

-- name: environment
-- where the project of a run is, and what kind of environment it is
select e.name, e.deployment_type, p.source_path, p.dbt_project_subdirectory
from environments as e
inner join projects as p on e.project_id = p.id
where e.id = :environment_id

-- name: most_recent_run
-- the newest run of a job, or its newest that ended
select r.*
from runs as r
where r.job_id = :job_id and (not :is_ended or r.status in (@ended))
order by r.id desc
limit 1

-- name: queued_runs_of_job
-- what to cancel when a job is deleted
select id from runs where job_id = :job_id and status = @queued

-- name: get_step_by_id
-- one step with the account it belongs to
select s.*, r.account_id
from run_steps as s
inner join runs as r on s.run_id = r.id
where s.id = :step_id and r.account_id = :account_id

-- name: last_run_with_artifacts
-- the newest run of a job that ended and left artifacts
select r.*
from runs as r
where r.job_id = :job_id and r.has_artifacts = 1 and r.status in (@ended)
order by r.id desc
limit 1

-- name: runs_ahead
-- active or earlier queued runs of the same job: this run starts after them
select r.id
from runs as r
where r.job_id = :job_id and r.id < :run_id and r.status in (@active)
order by r.id
