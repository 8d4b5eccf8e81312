-- One statement per move of the state table; the guards are in runs/moves.py.

-- name: state
-- what the guards of a move look at
select id, status, lease_token, lease_expires_at, is_crashed, attempts_left
from runs
where id = :run_id

-- name: claim
-- a server takes a queued run
update runs
set
    status = :status,
    owner_id = :owner_id,
    lease_token = :lease_token,
    lease_expires_at = :lease_expires_at,
    heartbeat_at = :now,
    dequeued_at = :now,
    waits_for = '[]',
    wait_reason = '',
    updated_at = :now
where id = :run_id

-- name: begin
-- its dbt process is there
update runs
set
    status = :status,
    started_at = :now,
    process_id = :process_id,
    process_started_at = :process_started_at,
    updated_at = :now
where id = :run_id

-- name: finish
-- the last step has ended
update runs
set
    status = :status,
    status_message = :status_message,
    finished_at = :now,
    lease_token = null,
    updated_at = :now
where id = :run_id

-- name: crash
-- its server is gone
update runs
set
    status = :status,
    status_message = :status_message,
    is_crashed = 1,
    finished_at = :now,
    lease_token = null,
    updated_at = :now
where id = :run_id

-- name: retry
-- back into the queue, as if nothing had happened
update runs
set
    status = :status,
    status_message = null,
    is_crashed = 0,
    attempts_left = attempts_left - 1,
    owner_id = null,
    lease_expires_at = null,
    heartbeat_at = null,
    process_id = null,
    process_started_at = null,
    dequeued_at = null,
    started_at = null,
    finished_at = null,
    updated_at = :now
where id = :run_id

-- name: withdraw
-- cancelled before it began
update runs
set
    status = :status,
    status_message = :status_message,
    finished_at = :now,
    waits_for = '[]',
    wait_reason = '',
    updated_at = :now
where id = :run_id

-- name: cancel
-- cancelled while it ran
update runs
set
    status = :status,
    status_message = :status_message,
    is_timed_out = :is_timed_out,
    finished_at = :now,
    lease_token = null,
    updated_at = :now
where id = :run_id
