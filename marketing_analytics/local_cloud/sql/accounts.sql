-- name: get_account
-- an active account
select id, name, run_slots, state, created_at, updated_at
from accounts
where id = :account_id and state = 1

-- name: add_account
-- the account of the first start, unless it is there
insert into accounts (id, name, created_at, updated_at)
values (:account_id, :name, :now, :now)
on conflict (id) do nothing

-- name: find_token
-- whose token this is, unless revoked
select id, account_id, name, kind, permissions, token_sha256, last_used_at, created_at, revoked_at
from tokens
where token_sha256 = :token_sha256 and revoked_at is null

-- name: get_token
-- whether the token of a session still counts
select id, account_id, name, kind, permissions, token_sha256, last_used_at, created_at, revoked_at
from tokens
where id = :token_id and revoked_at is null

-- name: configured_token
-- the token that the configuration names
select id, account_id, name, kind, permissions, token_sha256, last_used_at, created_at, revoked_at
from tokens
where account_id = :account_id and kind = 'configured' and revoked_at is null
order by id
limit 1

-- name: add_token
-- let a token in, also one that was revoked; only its hash is kept
insert into tokens (account_id, name, token_sha256, kind, permissions, created_at)
values (:account_id, :name, :token_sha256, :kind, :permissions, :now)
on conflict (token_sha256) do update set revoked_at = null
where tokens.revoked_at is not null

-- name: revoke_replaced
-- the configuration names one token: those that it named before count no longer
update tokens set revoked_at = :now
where account_id = :account_id and kind = 'configured' and token_sha256 <> :token_sha256
    and revoked_at is null

-- name: list_tokens
-- one page of service tokens that count
select id, account_id, name, kind, permissions, token_sha256, last_used_at, created_at, revoked_at
from tokens
where account_id = :account_id and kind = 'service' and revoked_at is null
order by id
limit :limit offset :offset

-- name: save_token
-- another name or other permissions
update tokens set name = :name, permissions = :permissions where id = :token_id

-- name: revoke_token
-- a token counts no longer
update tokens set revoked_at = :now where id = :token_id and revoked_at is null

-- name: note_use
-- when a token was used last
update tokens set last_used_at = :now where id = :token_id
