-- name: has_queued
-- whether anybody waits: the look that every poll begins with
select exists(select 1 from runs where status = @queued)

-- name: waiting_and_active
-- everything that decides who may start, in queue order
select
    r.id, r.account_id, r.environment_id, r.job_id, r.status, r.waits_for, r.wait_reason,
    a.run_slots, r.deferring_environment_id,
    r.request <> '' or coalesce(json_extract(j.payload, '$.job_type') = 'ci', false) as is_ci
from runs as r
inner join accounts as a on r.account_id = a.id
inner join jobs as j on r.job_id = j.id
where r.status in (@active)
order by r.id

-- name: save_wait
-- what a queued run waits for
update runs set waits_for = :waits_for, wait_reason = :wait_reason, updated_at = :now
where id = :run_id and status = @queued

-- name: renew
-- a living server holds its run on; no row when it was taken from it
update runs
set lease_expires_at = :lease_expires_at, heartbeat_at = :now
where id = :run_id and lease_token = :lease_token and status in (@held)

-- name: cancel_requests
-- the runs of a server that users want cancelled
select r.id from runs as r
where r.owner_id = :owner_id and r.status in (@held) and r.cancel_requested_at is not null

-- name: held_runs
-- who holds which run, to find those whose server died
select
    r.id, r.owner_id, r.lease_expires_at, r.heartbeat_at, r.process_id, r.process_started_at,
    r.attempts_left
from runs as r
where r.status in (@held)
order by r.id
