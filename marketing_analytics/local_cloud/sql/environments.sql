-- name: get_environment
-- an active environment of an account
select id, account_id, project_id, name, type, deployment_type, dbt_version, schema_name, payload,
    state, created_at, updated_at
from environments
where id = :environment_id and account_id = :account_id and state = 1

-- name: list_environments
-- one page of environments
select id, account_id, project_id, name, type, deployment_type, dbt_version, schema_name, payload,
    state, created_at, updated_at
from environments
where account_id = :account_id
    and (:state is null or state = :state)
    and (:pk is null or id in (select value from json_each(:pk)))
    and (:project_id is null or project_id in (select value from json_each(:project_id)))
    and (:name is null or name = :name)
    and (:name__icontains is null or instr(lower(name), lower(:name__icontains)) > 0)
    and (:type is null or type = :type)
    and (:id__gt is null or id > :id__gt)
    and (:deployment_type is null
        or deployment_type in (select value from json_each(:deployment_type)))
    and (:dbt_version is null or dbt_version in (select value from json_each(:dbt_version)))
    and (:credentials_id is null
        or cast(json_extract(payload, '$.credentials_id') as integer) = :credentials_id)
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

-- name: add_environment
-- create an environment
insert into environments (
    id, account_id, project_id, name, type, deployment_type, dbt_version, schema_name, payload,
    created_at, updated_at
)
values (
    coalesce(:environment_id, (select coalesce(max(id), 0) + 1 from environments)), :account_id, :project_id, :name, :type, :deployment_type, :dbt_version,
    :schema_name, :payload, :now, :now
)
returning id

-- name: delete_environments
-- they go with their project
update environments set state = 2, updated_at = :now where project_id = :project_id and state = 1

-- name: save_environment
-- write every field of an environment
update environments
set name = :name,
    type = :type,
    deployment_type = :deployment_type,
    dbt_version = :dbt_version,
    payload = :payload,
    state = :state,
    updated_at = :now
where id = :environment_id and account_id = :account_id

-- name: get_site
-- where runs of an environment take place, also of a deleted one
select
    e.account_id, e.project_id, e.name, e.deployment_type, e.schema_name, e.payload,
    p.source_path, p.dbt_project_subdirectory, p.payload as project_payload
from environments as e
inner join projects as p on e.project_id = p.id
where e.id = :environment_id
