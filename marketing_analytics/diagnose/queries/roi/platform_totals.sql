select
    'google_ads' as platform,
    sum(account_total) as account_total,
    sum(loaded_total) as loaded_total,
    count(case when abs(account_total - loaded_total) > 0.01 * abs(account_total) then 1 end)
        as days_off,
    max(case when abs(account_total - loaded_total) > 0.01 * abs(account_total) then date end)
        as last_day_off
from raw.google_ads._totals
union all
select
    'linkedin_ads' as platform,
    sum(account_total) as account_total,
    sum(loaded_total) as loaded_total,
    count(case when abs(account_total - loaded_total) > 0.01 * abs(account_total) then 1 end)
        as days_off,
    max(case when abs(account_total - loaded_total) > 0.01 * abs(account_total) then date end)
        as last_day_off
from raw.linkedin_ads._totals
union all
select
    'meta_ads' as platform,
    sum(account_total) as account_total,
    sum(loaded_total) as loaded_total,
    count(case when abs(account_total - loaded_total) > 0.01 * abs(account_total) then 1 end)
        as days_off,
    max(case when abs(account_total - loaded_total) > 0.01 * abs(account_total) then date end)
        as last_day_off
from raw.meta_ads._totals
