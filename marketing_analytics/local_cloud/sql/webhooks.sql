-- name: get_webhook
-- an active webhook of an account
select w.* from webhooks as w
where w.id = :webhook_id and w.account_id = :account_id and w.state = 1

-- name: list_webhooks
-- one page of webhooks
select w.* from webhooks as w
where w.account_id = :account_id and w.state = 1
order by w.created_at, w.id
limit :limit offset :offset

-- name: add_webhook
-- a new webhook
insert into webhooks (id, account_id, payload, secret, created_at, updated_at)
values (:id, :account_id, :payload, :secret, :now, :now)

-- name: save_webhook
-- write a changed or deleted webhook back
update webhooks set payload = :payload, state = :state, updated_at = :now where id = :id

-- name: webhooks_of_run
-- who may want to hear of a run
select w.* from webhooks as w
inner join runs as r on w.account_id = r.account_id
where r.id = :run_id and w.state = 1

-- name: run_in_words
-- what a delivery tells of a run
select
    r.id, r.account_id, r.job_id, j.name as job_name, r.environment_id, e.name as environment_name,
    r.project_id, p.name as project_name, r.dbt_version, r.status, r.status_message, r.cause,
    r.started_at, r.finished_at
from runs as r
inner join jobs as j on r.job_id = j.id
inner join environments as e on r.environment_id = e.id
inner join projects as p on r.project_id = p.id
where r.id = :run_id

-- name: add_delivery
-- something to tell
insert into webhook_deliveries (
    id, webhook_id, run_id, event_type, body, next_attempt_at, created_at
)
values (:id, :webhook_id, :run_id, :event_type, :body, :now, :now)

-- name: due_deliveries
-- what is to be sent now: of each webhook the first, so that none holds up the others
with due as (
    select
        d.id,
        row_number() over (partition by d.webhook_id order by d.next_attempt_at, d.id) as place
    from webhook_deliveries as d
    inner join webhooks as w on d.webhook_id = w.id
    where d.next_attempt_at <= :now and w.state = 1
)

select d.*, w.payload, w.secret
from due
inner join webhook_deliveries as d on due.id = d.id
inner join webhooks as w on d.webhook_id = w.id
where due.place = 1
order by d.next_attempt_at, d.id
limit 100

-- name: take_delivery
-- one sender makes the next attempt; a sender that dies meanwhile leaves it to the others
update webhook_deliveries set next_attempt_at = :until
where id = :id and next_attempt_at = :next_attempt_at

-- name: save_attempt
-- how an attempt went
update webhook_deliveries
set attempts = attempts + 1, next_attempt_at = :next_attempt_at, delivered_at = :delivered_at,
    status_code = :status_code, problem = :problem
where id = :id

-- name: save_status
-- what the receiver said last
update webhooks set last_status = :last_status where id = :webhook_id

-- name: list_deliveries
-- the newest deliveries of a webhook
select d.* from webhook_deliveries as d
where d.webhook_id = :webhook_id
order by d.created_at desc, d.id
limit :limit offset :offset

-- name: drop_deliveries
-- what was told long ago
delete from webhook_deliveries where created_at < :before and next_attempt_at is null

-- name: count_by_outcome
-- how the deliveries of each active webhook of an account went
select
    d.webhook_id,
    count(*) filter (where d.delivered_at is not null) as delivered,
    count(*) filter (where d.delivered_at is null and d.next_attempt_at is not null) as waiting,
    count(*) filter (where d.delivered_at is null and d.next_attempt_at is null) as given_up
from webhook_deliveries as d
inner join webhooks as w on d.webhook_id = w.id
where w.account_id = :account_id and w.state = 1
group by d.webhook_id

-- name: get_delivery
-- a delivery of an active webhook
select d.* from webhook_deliveries as d
inner join webhooks as w on d.webhook_id = w.id
where d.id = :delivery_id and w.account_id = :account_id and w.state = 1

-- name: send_again
-- a delivery that is to be sent once more, now
update webhook_deliveries set next_attempt_at = :now, delivered_at = null where id = :delivery_id
