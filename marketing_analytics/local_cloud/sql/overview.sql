-- part: last_judged
-- a job with its newest run that was good or bad; who cancels a run says nothing of the job
inner join runs as r on r.id = (
    select max(n.id) from (
        select max(s.id) as id from runs as s where s.job_id = j.id and s.status = @success
        union all
        select max(s.id) from runs as s where s.job_id = j.id and s.status = @error
        union all
        select max(s.id) from runs as s
        where s.job_id = j.id and s.status = @cancelled and s.is_timed_out = 1
    ) as n
)

-- name: failing_jobs
-- the home page: jobs whose newest judged run failed, the newest failure first
select
    j.id, j.name, j.description, r.id as run_id, r.status_message, r.finished_at, r.is_crashed,
    r.is_timed_out, count(*) over () as total_count,
    (
        select count(*) from runs as f
        where f.job_id = j.id and (f.status = @error or f.is_timed_out = 1) and f.id > coalesce(
            (select max(s.id) from runs as s where s.job_id = j.id and s.status = @success), 0
        )
    ) as failures_in_a_row
from jobs as j
@last_judged
where j.account_id = :account_id and j.state = 1 and r.status <> @success
order by r.id desc
limit :limit

-- name: failed_nodes
-- the home page: what failed in these runs, what builds before what tests
select n.run_id, n.name, n.resource_type, n.message
from run_nodes as n
where n.run_id in (select value from json_each(:run_ids))
    and n.status in ('error', 'fail', 'runtime error')
order by n.run_id, n.resource_type in ('test', 'unit_test'), n.step_index, n.finished_at nulls first

-- name: node_counts
-- how far these runs have come
select n.run_id, count(*) as begun, count(*) filter (where n.status <> 'started') as done
from run_nodes as n
where n.run_id in (select value from json_each(:run_ids))
group by n.run_id

-- name: usual_run
-- how long the last good runs of a job took and how many nodes they had
select
    86400.0 * avg(julianday(r.finished_at) - julianday(r.started_at)) as seconds,
    (select count(*) from run_nodes as n where n.run_id = max(r.id)) as nodes
from (
    select s.id, s.started_at, s.finished_at from runs as s
    where s.job_id = :job_id and s.status = @success and s.started_at is not null
    order by s.id desc limit 10
) as r

-- name: next_ticks
-- the home page: which jobs start next by themselves; the first ones by the index of their times
select j.id, j.name, j.description, j.cron, j.next_run_at
from jobs as j
where j.account_id + 0 = :account_id and j.state = 1 and j.is_scheduled = 1
    and j.next_run_at is not null
order by j.next_run_at
limit :limit

-- name: newest_run_id
-- where a search for the first run since a moment begins
select max(id) from runs

-- name: created_near
-- when the first run with at least this id was made
select created_at from runs where id >= :run_id order by id limit 1

-- name: ended_since
-- how runs ended, by hour; runs get their ids in the order in which they are made
select
    substr(r.created_at, 1, 13) as hour, r.status, count(*) as runs,
    count(*) filter (where r.scheduled_for is not null) as ticks,
    count(*) filter (
        where r.scheduled_for is not null and r.started_at is not null
            and (julianday(r.started_at) - julianday(r.scheduled_for)) * 86400.0 <= :late_seconds
    ) as ticks_on_time
from runs as r
where r.id >= :first_id and r.account_id = :account_id and r.status in (@ended)
group by 1, 2

-- name: days_of_job
-- the calendar of a job: how its runs ended, by day
select substr(r.created_at, 1, 10) as day, r.status, count(*) as runs, max(r.id) as last_id
from runs as r
where r.job_id = :job_id and r.created_at >= :since and r.status in (@ended)
group by 1, 2

-- name: runs_with_artifacts
-- the board of freshness: runs that may hold a look at the sources, newest first
select r.id, r.job_id, r.environment_id, e.name as environment_name, r.finished_at
from runs as r
inner join environments as e on r.environment_id = e.id
where r.account_id = :account_id and r.has_artifacts = 1
    -- a store without artifacts is not read through
    and r.id > (select max(id) from runs) - :newest
order by r.id desc
limit :limit
