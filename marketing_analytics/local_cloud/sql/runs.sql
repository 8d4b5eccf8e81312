-- name: job
select
    j.id, j.account_id, j.project_id, j.environment_id, j.name, j.payload, j.state,
    e.schema_name
from jobs as j
inner join environments as e on j.environment_id = e.id
where j.id = :job_id

-- name: add_run
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
select r.* from runs as r
where r.id = :run_id and (:account_id is null or r.account_id = :account_id)

-- name: list_runs
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
update runs
set cancel_requested_at = coalesce(cancel_requested_at, :now), updated_at = :now
where id = :run_id and status in (@held)

-- name: list_steps
select s.* from run_steps as s where s.run_id = :run_id order by s.step_index

-- name: get_step
select s.* from run_steps as s where s.run_id = :run_id and s.step_index = :step_index

-- name: list_nodes
select n.* from run_nodes as n
where n.run_id = :run_id and (:step_index is null or n.step_index = :step_index)
order by n.step_index, n.started_at, n.unique_id

-- name: add_step
insert into run_steps (run_id, step_index, name, command, status, log_path, created_at)
values (:run_id, :step_index, :name, :command, @queued, :log_path, :now)

-- name: start_step
update run_steps set status = @running, started_at = :now
where run_id = :run_id and step_index = :step_index

-- name: end_step
update run_steps set status = :status, finished_at = :now
where run_id = :run_id and step_index = :step_index

-- name: cancel_open_steps
update run_steps
set status = @cancelled, finished_at = case when started_at is not null then :now end
where run_id = :run_id and status in (@active)

-- name: end_open_nodes
update run_nodes set status = 'cancelled', finished_at = :now
where run_id = :run_id and status = 'started'

-- name: drop_nodes
delete from run_nodes where run_id = :run_id

-- name: drop_steps
delete from run_steps where run_id = :run_id

-- name: save_node
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
update runs set has_artifacts = 1, updated_at = :now where id = :run_id

-- name: save_commit
update runs set git_sha = :git_sha, git_branch = :git_branch, updated_at = :now
where id = :run_id

-- name: variables
select v.name, v.value, v.environment_id, v.job_id
from environment_variables as v
where v.project_id = :project_id
    and (v.environment_id is null or v.environment_id = :environment_id)
    and (v.job_id is null or v.job_id = :job_id)
order by v.job_id is not null, v.environment_id is not null, v.id

-- name: jobs_after
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
select j.id, j.name, j.cron, j.next_run_at
from jobs as j
where j.state = 1 and j.is_scheduled = 1 and j.cron is not null
    and (j.next_run_at is null or j.next_run_at <= :now)

-- name: set_next_run
update jobs set next_run_at = :next_run_at
where id = :job_id and cron = :cron and next_run_at is :old_next_run_at

-- name: older_ticks
select r.id from runs as r
where r.job_id = :job_id and r.id < :run_id and r.status = @queued and r.cause_category = 'scheduled'

-- name: has_tick
select 1 from runs where job_id = :job_id and scheduled_for = :scheduled_for

-- name: environment
select e.name, e.deployment_type, p.source_path, p.dbt_project_subdirectory
from environments as e
inner join projects as p on e.project_id = p.id
where e.id = :environment_id
