-- lists of ten members and more, by month
select
    platform,
    audience_id,
    audience_name,
    month_date,
    case when members_at_start >= 10 then members_at_start end as members_at_start,
    joined,
    unsubscribed,
    coalesce(cleaned, 0) + coalesce(removed, 0) as removed,
    members_at_end
from rpt_email_list_months
where members_at_end >= 10
