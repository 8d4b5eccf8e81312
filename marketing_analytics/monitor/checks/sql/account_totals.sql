-- what the platform itself says that an account spent on a day, read beside the rows
select
    account_id,
    date as day,
    sum(account_total) as total
from {totals}
where date > ? and date <= ? and not coalesce(_is_deleted, false)
group by account_id, date
