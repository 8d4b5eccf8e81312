-- The store of the local dbt Cloud. Times are UTC text, `2026-01-02 03:04:05.000006+00:00`.

create table accounts (
    id integer primary key,
    name text not null,
    run_slots integer not null default 4,
    state integer not null default 1,
    created_at text not null,
    updated_at text not null
);

-- only the SHA-256 of a token is kept
create table tokens (
    id integer primary key,
    account_id integer not null references accounts (id),
    name text not null,
    token_sha256 text not null unique,
    created_at text not null,
    revoked_at text
);

create table projects (
    id integer primary key,
    account_id integer not null references accounts (id),
    name text not null,
    description text not null default '',
    source_path text not null,
    dbt_project_subdirectory text,
    type integer not null default 0,
    state integer not null default 1,
    created_at text not null,
    updated_at text not null
);

create table environments (
    id integer primary key,
    account_id integer not null references accounts (id),
    project_id integer not null references projects (id),
    name text not null,
    type text not null default 'deployment',
    deployment_type text,
    dbt_version text not null default 'latest',
    schema_name text not null,
    payload text not null default '{}',
    state integer not null default 1,
    created_at text not null,
    updated_at text not null
);

-- payload holds every normalised API field that has no column of its own
create table jobs (
    id integer primary key,
    account_id integer not null references accounts (id),
    project_id integer not null references projects (id),
    environment_id integer not null references environments (id),
    name text not null,
    description text not null default '',
    payload text not null,
    cron text,
    is_scheduled integer not null default 0,
    next_run_at text,
    state integer not null default 1,
    created_at text not null,
    updated_at text not null
);
create index jobs_by_account on jobs (account_id, state, id);
create index jobs_by_next_run on jobs (next_run_at) where state = 1 and is_scheduled = 1;

-- one value per (name, scope); scope is the project, one environment or one job
create table environment_variables (
    id integer primary key,
    account_id integer not null references accounts (id),
    project_id integer not null references projects (id),
    environment_id integer references environments (id),
    job_id integer references jobs (id),
    name text not null,
    value text not null,
    created_at text not null,
    updated_at text not null
);
create unique index environment_variables_by_scope on environment_variables (
    project_id, name, coalesce(environment_id, 0), coalesce(job_id, 0)
);

-- the codes of status are those of cloud_api/states.py
create table runs (
    id integer primary key autoincrement,
    account_id integer not null references accounts (id),
    project_id integer not null references projects (id),
    environment_id integer not null references environments (id),
    job_id integer not null references jobs (id),
    status integer not null default 1,
    status_message text,
    is_crashed integer not null default 0,
    is_timed_out integer not null default 0,
    cause text not null default '',
    cause_category text not null default 'api',
    overrides text not null default '{}',
    steps text not null,
    schema_name text not null,
    target_name text not null,
    threads integer not null,
    timeout_seconds integer not null default 0,
    run_source_freshness integer not null default 0,
    generate_docs integer not null default 0,
    dbt_version text,
    git_branch text,
    git_sha text,
    scheduled_for text,
    waits_for text not null default '[]',
    wait_reason text not null default '',
    attempts_left integer not null default 0,
    cancel_requested_at text,
    -- the server process that holds the run, and the dbt process that works for it
    owner_id text,
    lease_token text,
    lease_expires_at text,
    heartbeat_at text,
    process_id integer,
    process_started_at text,
    has_artifacts integer not null default 0,
    created_at text not null,
    updated_at text not null,
    dequeued_at text,
    started_at text,
    finished_at text
);
create unique index runs_by_tick on runs (job_id, scheduled_for) where scheduled_for is not null;
create index runs_by_status on runs (status, id);
create index runs_by_job on runs (job_id, id);
create index runs_by_job_and_status on runs (job_id, status, id);

create table run_steps (
    id integer primary key,
    run_id integer not null references runs (id),
    step_index integer not null,
    name text not null,
    command text,
    status integer not null default 1,
    log_path text,
    created_at text not null,
    started_at text,
    finished_at text,
    unique (run_id, step_index)
);

-- one row per dbt node and step, written while the run goes on
create table run_nodes (
    run_id integer not null references runs (id),
    step_index integer not null,
    unique_id text not null,
    name text not null,
    resource_type text not null,
    status text not null,
    thread text,
    started_at text,
    finished_at text,
    execution_seconds real,
    message text,
    primary key (run_id, step_index, unique_id)
);
