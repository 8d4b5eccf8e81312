-- name: list_steps
-- the steps of a run in order
select s.* from run_steps as s where s.run_id = :run_id order by s.step_index

-- name: prepared_at
-- when the runs of a list began with what follows the packages
select s.run_id, min(s.started_at) as prepared_at
from run_steps as s
where s.step_index > 3 and s.run_id in (select value from json_each(:run_ids))
group by s.run_id

-- name: list_nodes
-- the nodes of a run in order of start
select n.* from run_nodes as n
where n.run_id = :run_id
order by n.step_index, n.started_at nulls first, n.unique_id

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
    thread = coalesce(excluded.thread, run_nodes.thread),
    started_at = coalesce(excluded.started_at, run_nodes.started_at),
    finished_at = coalesce(excluded.finished_at, run_nodes.finished_at),
    execution_seconds = coalesce(excluded.execution_seconds, run_nodes.execution_seconds),
    message = coalesce(excluded.message, run_nodes.message)

-- name: get_step
-- one step of an account
select s.*
from run_steps as s
inner join runs as r on s.run_id = r.id
where s.id = :step_id and r.account_id = :account_id

-- name: usual_seconds
-- how long nodes took in the last good runs of a job
select n.unique_id, avg(n.execution_seconds) as mean_seconds
from run_nodes as n
where
    n.status = 'success'
    and n.run_id in (
        select r.id from runs as r
        where r.job_id = :job_id and r.status = @success and r.id < :run_id
        order by r.id desc limit 10
    )
group by n.unique_id
having count(*) >= 3

-- name: node_history
-- how a node went in the last runs of a job up to a run, oldest first
select n.run_id, n.status, n.execution_seconds, r.created_at
from (
    select s.id, s.created_at from runs as s
    where s.job_id = :job_id and s.id <= :run_id
    order by s.id desc limit :limit
) as r
inner join run_nodes as n on n.run_id = r.id
where n.unique_id = :unique_id and n.step_index = (
    select m.step_index from run_nodes as m
    where m.run_id = r.id and m.unique_id = :unique_id
    order by m.execution_seconds desc nulls last, m.step_index
    limit 1
)
order by n.run_id
