-- name: most_recent_run
select r.*
from runs as r
where r.job_id = :job_id and (not :is_ended or r.status in (@ended))
order by r.id desc
limit 1

-- name: queued_runs_of_job
select id from runs where job_id = :job_id and status = @queued

-- name: get_step_by_id
select s.*, r.account_id
from run_steps as s
inner join runs as r on s.run_id = r.id
where s.id = :step_id and r.account_id = :account_id

-- name: last_run_with_artifacts
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
