-- Service tokens with what they may do, who did what, and webhooks with their deliveries.

-- a configured token comes from DBTCLOUD_TOKEN; one of the service is made over the API
alter table tokens add column kind text not null default 'configured';
alter table tokens add column permissions text not null default '[]';
alter table tokens add column last_used_at text;

create table audit_events (
    id integer primary key autoincrement,
    account_id integer not null references accounts (id),
    token_id integer not null references tokens (id),
    token_name text not null,
    method text not null,
    path text not null,
    status integer not null,
    client text not null,
    created_at text not null
);
create index audit_events_by_account on audit_events (account_id, id);

-- the secret is sealed
create table webhooks (
    id text primary key,
    account_id integer not null references accounts (id),
    payload text not null,
    secret text not null,
    last_status text not null default '0',
    state integer not null default 1,
    created_at text not null,
    updated_at text not null
);

-- next_attempt_at is null when nothing is left to do
create table webhook_deliveries (
    id text primary key,
    webhook_id text not null references webhooks (id),
    run_id integer,
    event_type text not null,
    body text not null,
    attempts integer not null default 0,
    next_attempt_at text,
    delivered_at text,
    status_code integer not null default 0,
    problem text not null default '',
    created_at text not null
);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at)
where next_attempt_at is not null;
create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, created_at);
