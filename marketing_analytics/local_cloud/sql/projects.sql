-- name: get_project
-- an active project of an account
select id, account_id, name, description, source_path, dbt_project_subdirectory, type, payload,
    state, created_at, updated_at
from projects
where id = :project_id and account_id = :account_id and state = 1

-- name: list_projects
-- one page of projects
select id, account_id, name, description, source_path, dbt_project_subdirectory, type, payload,
    state, created_at, updated_at
from projects
where account_id = :account_id
    and (:state is null or state = :state)
    and (:pk is null or id in (select value from json_each(:pk)))
    and (:pk__gt is null or id > :pk__gt)
    and (:name is null or name = :name)
    and (:name__icontains is null or instr(lower(name), lower(:name__icontains)) > 0)
order by
    case when :order_by = '-id' then id end desc,
    case when :order_by = 'name' then name end,
    case when :order_by = '-name' then name end desc,
    case when :order_by = 'created_at' then created_at end,
    case when :order_by = '-created_at' then created_at end desc,
    case when :order_by = 'updated_at' then updated_at end,
    case when :order_by = '-updated_at' then updated_at end desc,
    id
limit :limit offset :offset

-- name: add_project
-- create a project
insert into projects (
    id, account_id, name, description, source_path, dbt_project_subdirectory, type, payload,
    state, created_at, updated_at
)
values (
    coalesce(:project_id, (select coalesce(max(id), 0) + 1 from projects)), :account_id, :name,
    :description, :source_path, :dbt_project_subdirectory, :type, :payload, 1, :now, :now
)
returning id

-- name: save_project
-- write every field of a project
update projects
set name = :name,
    description = :description,
    source_path = :source_path,
    dbt_project_subdirectory = :dbt_project_subdirectory,
    type = :type,
    payload = :payload,
    state = :state,
    updated_at = :now
where id = :project_id and account_id = :account_id

-- name: default_source_path
-- the dbt project that a new project gets: the first one's
select source_path from projects where account_id = :account_id order by id limit 1
