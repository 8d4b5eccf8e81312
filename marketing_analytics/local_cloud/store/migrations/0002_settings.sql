-- What an account sets up beside its jobs: connections, credentials, groups, notifications and
-- extended attributes. Secrets are not stored, so that nobody can read them back.

create table settings (
    id integer primary key autoincrement,
    account_id integer not null references accounts (id),
    project_id integer references projects (id),
    kind text not null,
    name text not null default '',
    payload text not null,
    state integer not null default 1,
    created_at text not null,
    updated_at text not null
);
create index settings_by_kind on settings (account_id, kind, state, id);
