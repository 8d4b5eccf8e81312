-- name: last_good_run_of_job
-- the newest run whose artifacts others may defer to
select r.*
from runs as r
where r.job_id = :place_id and r.has_artifacts = 1 and r.status = @success and r.request = ''
    and r.id <> :run_id
order by r.id desc
limit 1

-- name: last_good_run_of_environment
-- the same, of any job of an environment
select r.*
from runs as r
where r.environment_id = :place_id and r.has_artifacts = 1 and r.status = @success
    and r.request = '' and r.id <> :run_id
order by r.id desc
limit 1

-- name: defer_to
-- note what a run is deferred to
update runs set deferring_run_id = :deferring_run_id, updated_at = :now where id = :run_id
