-- name: save_view
-- a name that is there already means the new filter from now on
insert into saved_views (account_id, page, name, query, created_at)
values (:account_id, :page, :name, :query, :now)
on conflict (account_id, page, name) do update set query = excluded.query

-- name: list_views
-- the views of a list, by name
select v.* from saved_views as v
where v.account_id = :account_id and v.page = :page
order by lower(v.name), v.id

-- name: get_view
-- one view of an account
select v.* from saved_views as v
where v.account_id = :account_id and v.id = :view_id

-- name: remove_view
-- a view that nobody needs
delete from saved_views
where account_id = :account_id and id = :view_id
