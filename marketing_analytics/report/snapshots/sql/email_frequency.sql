-- what became of mails by how many the recipient had got in thirty days; numbers of fewer than ten
-- recipients stand together with the next higher one of ten, the last ones with the last of ten
select
    platform,
    most,
    cast(min(messages_in_30_days) as bigint) as fewest,
    cast(max(messages_in_30_days) as bigint) as highest,
    cast(sum(delivered) as bigint) as delivered,
    cast(sum(human_openers) as bigint) as human_openers,
    cast(sum(human_clickers) as bigint) as human_clickers,
    cast(sum(unsubscribes) as bigint) as unsubscribes
from (
    select
        bands.*,
        coalesce(
            min(case when bands.recipients >= 10 then bands.messages_in_30_days end) over (
                partition by bands.platform
                order by bands.messages_in_30_days asc
                rows between current row and unbounded following
            ),
            max(case when bands.recipients >= 10 then bands.messages_in_30_days end) over (
                partition by bands.platform
            )
        ) as most
    from rpt_email_frequency as bands
) as banded
where most is not null
group by platform, most
