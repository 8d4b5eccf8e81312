-- name: add_event
-- somebody changed something, or tried to
insert into audit_events (
    account_id, token_id, token_name, method, path, status, client, created_at
)
values (:account_id, :token_id, :token_name, :method, :path, :status, :client, :now)

-- name: list_audit
-- one page of events, newest first
select a.* from audit_events as a
where a.account_id = :account_id
    and (:since is null or a.created_at >= :since)
    and (:until is null or a.created_at <= :until)
order by a.id desc
limit :limit offset :offset

-- name: newest_audit
-- one page of events as the pages search them, newest first
select a.* from audit_events as a
where a.account_id = :account_id
    and (:least_status is null or a.status >= :least_status)
    and (:search is null or instr(lower(a.path || ' ' || a.token_name), lower(:search)) > 0)
order by a.id desc
limit :limit offset :offset
