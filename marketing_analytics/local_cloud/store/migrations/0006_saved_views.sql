-- Filters of the lists of jobs and runs that people have given a name.

create table saved_views (
    id integer primary key autoincrement,
    account_id integer not null references accounts (id),
    page text not null,
    name text not null,
    query text not null,
    created_at text not null,
    unique (account_id, page, name)
);
