-- What the pages read. Everything is bound to one account.

-- name: get_account
-- the name and the run slots in the frame
select a.id, a.name, a.run_slots from accounts as a where a.id = :account_id;

-- name: list_jobs
-- the lines of the jobs list
select
    j.id, j.name, j.description, j.payload, j.cron, j.is_scheduled, j.next_run_at,
    j.project_id, j.environment_id, e.name as environment_name
from jobs as j
inner join environments as e on j.environment_id = e.id
where j.account_id = :account_id and j.state = 1
order by j.name, j.id;

-- name: get_job
-- the page of a job, also of a deleted one
select
    j.*, e.name as environment_name, e.schema_name as environment_schema,
    p.name as project_name
from jobs as j
inner join environments as e on j.environment_id = e.id
inner join projects as p on j.project_id = p.id
where j.account_id = :account_id and j.id = :job_id;

-- name: last_runs_of_jobs
-- the newest runs of every job, for the strips
select
    r.id, r.job_id, r.status, r.is_crashed, r.is_timed_out, r.created_at, r.started_at,
    r.finished_at
from jobs as j
inner join runs as r on r.id in (
    select n.id from runs as n where n.job_id = j.id order by n.id desc limit :per_job
)
where j.account_id = :account_id and j.state = 1
order by r.id;

-- name: list_runs
-- one page of runs, newest first
select r.*, j.name as job_name, j.description as job_description, e.name as environment_name
from runs as r
inner join jobs as j on r.job_id = j.id
inner join environments as e on r.environment_id = e.id
where
    r.account_id = :account_id
    and (:job_id is null or r.job_id = :job_id)
    and (:statuses is null or r.status in (select value from json_each(:statuses)))
    and (:triggers is null or r.cause_category in (select value from json_each(:triggers)))
    and (:environment_id is null or r.environment_id = :environment_id)
    and (:search is null or j.name like :search escape '\')
order by r.id desc
limit :limit offset :offset;

-- name: count_runs
-- how many runs a filter finds
select count(*) as total
from runs as r
inner join jobs as j on r.job_id = j.id
where
    r.account_id = :account_id
    and (:job_id is null or r.job_id = :job_id)
    and (:statuses is null or r.status in (select value from json_each(:statuses)))
    and (:triggers is null or r.cause_category in (select value from json_each(:triggers)))
    and (:environment_id is null or r.environment_id = :environment_id)
    and (:search is null or j.name like :search escape '\');

-- name: list_active_runs
-- the queue
select r.*, j.name as job_name, j.description as job_description, e.name as environment_name
from runs as r
inner join jobs as j on r.job_id = j.id
inner join environments as e on r.environment_id = e.id
where r.status in (@active) and r.account_id = :account_id
order by r.id;

-- name: count_active_runs
-- the counts in the frame
select
    count(*) filter (where r.status = @queued) as queued,
    count(*) filter (where r.status in (@held)) as running,
    max(r.heartbeat_at) as last_heartbeat_at
from runs as r
where r.status in (@active) and r.account_id = :account_id;

-- name: engine_signs
-- what the engine leaves undone
select
    (
        select min(r.created_at) from runs as r
        where r.status = @queued and r.wait_reason = '' and r.account_id = :account_id
    ) as oldest_unclaimed_at,
    (
        select min(r.lease_expires_at) from runs as r
        where r.status in (@held) and r.account_id = :account_id
    ) as oldest_lease_at,
    (
        select min(j.next_run_at) from jobs as j
        where j.state = 1 and j.is_scheduled = 1 and j.account_id = :account_id
    ) as oldest_tick_at;

-- name: get_run
-- the page of a run
select
    r.*, j.name as job_name, j.description as job_description, j.state as job_state,
    e.name as environment_name
from runs as r
inner join jobs as j on r.job_id = j.id
inner join environments as e on r.environment_id = e.id
where r.account_id = :account_id and r.id = :run_id;

-- name: list_steps
-- the steps of a run in order
select s.* from run_steps as s where s.run_id = :run_id order by s.step_index;

-- name: get_step
-- one step, for its log
select s.* from run_steps as s where s.run_id = :run_id and s.step_index = :step_index;

-- name: list_nodes
-- the nodes of a run in order of start
select n.* from run_nodes as n
where n.run_id = :run_id
order by n.step_index, n.started_at, n.unique_id;

-- name: usual_node_seconds
-- how long nodes took in the last good runs of a job
select n.unique_id, avg(n.execution_seconds) as mean_seconds, count(*) as runs
from run_nodes as n
where
    n.status = 'success'
    and n.run_id in (
        select r.id from runs as r
        where r.job_id = :job_id and r.status = @success and r.id < :run_id
        order by r.id desc limit 10
    )
group by n.unique_id;

-- name: list_environments
-- the choices of the filter
select e.id, e.name from environments as e
where e.account_id = :account_id and e.state = 1
order by e.name;

-- name: list_job_variables
-- the variables that a job sees, all scopes
select v.name, v.value, v.environment_id, v.job_id
from environment_variables as v
where
    v.account_id = :account_id
    and v.project_id = :project_id
    and (
        v.job_id = :job_id
        or (v.job_id is null and (v.environment_id is null or v.environment_id = :environment_id))
    )
order by v.name;

-- name: list_secret_variables
-- the values that no page may show
select distinct v.name, v.value from environment_variables as v
where v.account_id = :account_id;

-- name: get_token
-- a token that signs in
select t.id, t.token_sha256 from tokens as t
where t.account_id = :account_id and t.token_sha256 = :token_sha256 and t.revoked_at is null;

-- name: get_token_by_id
-- whether the token of a session still counts
select t.id, t.token_sha256 from tokens as t
where t.account_id = :account_id and t.id = :token_id and t.revoked_at is null;
