-- name: get_setting
-- an active setting of a kind, of an account
select id, account_id, project_id, kind, name, payload, state, created_at, updated_at
from settings
where id = :setting_id and account_id = :account_id and kind = :kind and state = 1

-- name: list_settings
-- one page of settings of a kind
select id, account_id, project_id, kind, name, payload, state, created_at, updated_at
from settings
where account_id = :account_id
    and kind = :kind
    and (:state is null or state = :state)
    and (:pk is null or id in (select value from json_each(:pk)))
    and (:project_id is null or project_id = :project_id)
    and (:name is null or name = :name)
    and (:name__icontains is null or instr(lower(name), lower(:name__icontains)) > 0)
    and (:type is null or cast(json_extract(payload, '$.type') as text) = :type)
    and (:user_id is null or cast(json_extract(payload, '$.user_id') as text) = :user_id)
    and (:external_email is null or cast(json_extract(payload, '$.external_email') as text) = :external_email)
    and (:slack_channel_id is null or cast(json_extract(payload, '$.slack_channel_id') as text) = :slack_channel_id)
    and (:adapter_version is null or cast(json_extract(payload, '$.adapter_version') as text) = :adapter_version)
    and (:remote_url is null or cast(json_extract(payload, '$.remote_url') as text) = :remote_url)
order by
    case when :order_by = '-id' then id end desc,
    case when :order_by = 'name' then name end,
    case when :order_by = '-name' then name end desc,
    id
limit :limit offset :offset

-- name: add_setting
-- create a setting
insert into settings (account_id, project_id, kind, name, payload, created_at, updated_at)
values (:account_id, :project_id, :kind, :name, :payload, :now, :now)
returning id

-- name: delete_settings
-- they go with their project
update settings set state = 2, updated_at = :now where project_id = :project_id and state = 1

-- name: save_setting
-- write what may change of a setting
update settings
set name = :name,
    payload = :payload,
    state = :state,
    updated_at = :now
where id = :setting_id and account_id = :account_id
