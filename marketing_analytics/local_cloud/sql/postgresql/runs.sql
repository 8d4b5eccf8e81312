-- name: last_outcomes
-- the newest runs of some jobs; PostgreSQL looks the runs of each job up when told to
select
    r.id, r.job_id, r.status, r.is_crashed, r.is_timed_out, r.created_at, r.started_at,
    r.finished_at
from jobs as j
cross join lateral (
    select n.* from runs as n where n.job_id = j.id order by n.id desc limit :per_job
) as r
where j.id in (select value from json_each(:job_ids))
order by r.id
