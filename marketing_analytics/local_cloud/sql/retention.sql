-- name: old_runs
-- runs that ended long ago; the newest of each job and its newest good one stay
select r.id from runs as r
where r.status in (@ended) and r.finished_at < :before
    and r.id not in (select max(n.id) from runs as n group by n.job_id)
    and r.id not in (select max(n.id) from runs as n where n.status = @success group by n.job_id)
order by r.id
limit :limit

-- name: drop_nodes
-- the dbt nodes of old runs
delete from run_nodes where run_id in (select value from json_each(:run_ids))

-- name: drop_steps
-- their steps
delete from run_steps where run_id in (select value from json_each(:run_ids))

-- name: drop_runs
-- and themselves
delete from runs where id in (select value from json_each(:run_ids))

-- name: drop_events
-- what was done long ago
delete from audit_events where created_at < :before
