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
select id, account_id, token_sha256
from tokens
where token_sha256 = :token_sha256 and revoked_at is null

-- name: get_token
-- whether the token of a session still counts
select id, account_id, token_sha256
from tokens
where id = :token_id and revoked_at is null

-- name: add_token
-- let a token in; only its hash is kept
insert into tokens (account_id, name, token_sha256, created_at)
values (:account_id, :name, :token_sha256, :now)
on conflict (token_sha256) do nothing
