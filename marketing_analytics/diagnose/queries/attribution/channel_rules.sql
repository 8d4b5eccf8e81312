-- visits that no rule knows, of all visits
select
    coalesce(sum(unmapped.sessions), 0) as sessions,
    coalesce(sum(unmapped.conversions), 0) as conversions,
    max(totals.sessions) as all_sessions,
    max(totals.conversions) as all_conversions,
    min(unmapped.traffic_source || ' / ' || coalesce(unmapped.traffic_medium, '')) as example
from (
    select
        (select count(*) from int_web__sessions) as sessions,
        (select count(*) from fct_conversions) as conversions
) as totals
left join rpt_unmapped_traffic as unmapped on true
