-- Lists of ten thousand jobs and a hundred thousand runs do not read the rows that they leave out.

-- what lists of runs choose and sort by; a count reads nothing else
create index runs_for_lists on runs (
    account_id, id, project_id, environment_id, job_id, status, cause_category, created_at,
    finished_at, generate_docs
);
create index runs_by_creation on runs (
    account_id, created_at, id, project_id, environment_id, job_id, status
);
create index runs_by_end on runs (
    account_id, finished_at nulls first, id, project_id, environment_id, job_id, status
);
create index runs_by_account_and_job on runs (account_id, job_id, id, status);

drop index jobs_by_account;
create index jobs_for_lists on jobs (
    account_id, state, id, project_id, environment_id, name, created_at, updated_at
);
create index jobs_by_name on jobs (account_id, state, name, id, environment_id);
-- who waits for a job that ends
create index jobs_by_parent on jobs (
    (cast(json_extract(payload, '$.job_completion_trigger_condition.condition.job_id') as bigint))
) where state = 1;

-- failures since the last success, counted when a run ends and not when a job is read
alter table jobs add column run_failure_count bigint not null default 0;
create function count_failures() returns trigger language plpgsql as $$
begin
    update jobs set run_failure_count = (
        select count(*) from runs as r
        where r.job_id = new.job_id and r.status = 20 and r.id > coalesce(
            (select max(s.id) from runs as s where s.job_id = new.job_id and s.status = 10), 0
        )
    )
    where id = new.job_id;
    return null;
end $$;
create trigger runs_count_failures_when_moved after update of status on runs for each row
when (new.status <> old.status and (new.status in (10, 20) or old.status in (10, 20)))
execute function count_failures();
create trigger runs_count_failures_when_added after insert on runs for each row
when (new.status in (10, 20))
execute function count_failures();
