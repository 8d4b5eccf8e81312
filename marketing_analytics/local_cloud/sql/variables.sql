-- name: list_project_variables
-- every value of a project, all scopes
select id, account_id, project_id, environment_id, job_id, name, value, created_at, updated_at
from environment_variables
where project_id = :project_id
order by name, id

-- name: list_account_variables
-- the values of an account, of which the secret ones may not be shown
select id, account_id, project_id, environment_id, job_id, name, value, created_at, updated_at
from environment_variables
where account_id = :account_id

-- name: list_job_variables
-- the overrides of the jobs of a page
select id, account_id, project_id, environment_id, job_id, name, value, created_at, updated_at
from environment_variables
where job_id in (select value from json_each(:job_ids))
order by name, id

-- name: values_of_variable
-- every value of one variable, all scopes; later ones win
select id, account_id, project_id, environment_id, job_id, name, value, created_at, updated_at
from environment_variables
where project_id = :project_id and name = :name
order by job_id is not null, environment_id is not null

-- name: get_variable
-- one value
select id, account_id, project_id, environment_id, job_id, name, value, created_at, updated_at
from environment_variables
where id = :variable_id and project_id = :project_id

-- name: set_variable
-- write a value; one per name and scope
insert into environment_variables (
    account_id, project_id, environment_id, job_id, name, value, created_at, updated_at
)
values (:account_id, :project_id, :environment_id, :job_id, :name, :value, :now, :now)
on conflict (project_id, name, coalesce(environment_id, 0), coalesce(job_id, 0))
do update set value = excluded.value, updated_at = excluded.updated_at
returning id

-- name: rename_variable
-- another name in every scope
update environment_variables
set name = :new_name, updated_at = :now
where project_id = :project_id and name = :name

-- name: delete_variable
-- delete one value
delete from environment_variables where id = :variable_id and project_id = :project_id

-- name: delete_variables
-- a deleted project loses its values
delete from environment_variables where project_id = :project_id

-- name: delete_variables_of_name
-- delete a variable in every scope
delete from environment_variables where project_id = :project_id and name = :name

-- name: move_variables_of_job
-- a job's overrides go with it into another project
update environment_variables
set project_id = :project_id, updated_at = :now
where job_id = :job_id

-- name: delete_variables_of_job
-- a deleted job loses its overrides
delete from environment_variables where job_id = :job_id

-- name: resolve_variables
-- what a run of a job sees; later rows win: project, then environment, then job
select name, value
from environment_variables
where project_id = :project_id
    and (environment_id is null or environment_id = :environment_id)
    and (job_id is null or job_id = :job_id)
order by job_id is not null, environment_id is not null, name
