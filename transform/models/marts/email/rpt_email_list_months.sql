with

members as (

    select * from {{ ref('stg_mailchimp__members') }}
    where member_status in ('subscribed', 'unsubscribed', 'cleaned', 'archived')

),

audiences as (

    select * from {{ ref('stg_mailchimp__audiences') }}

),

profiles as (

    select * from {{ ref('stg_klaviyo__profiles') }}
    where email_consent in ('SUBSCRIBED', 'UNSUBSCRIBED')

),

memberships as (

    -- who was deleted at Mailchimp left without a trace: the last change is what is known
    select
        'mailchimp' as platform,
        list_id as audience_id,
        coalesce(opted_in_at, signed_up_at, changed_at) as joined_at,
        case when member_status <> 'subscribed' or is_deleted then changed_at end as left_at,
        case
            when member_status = 'subscribed' and is_deleted then 'deleted'
            when member_status in ('cleaned', 'archived') then member_status
            when member_status = 'unsubscribed' then 'unsubscribed'
        end as left_by
    from members

    union all

    -- Klaviyo's lists are not read: the account is one
    select
        'klaviyo' as platform,
        'all' as audience_id,
        case
            when email_consent = 'SUBSCRIBED' then coalesce(email_consent_at, created_at)
            else created_at
        end as joined_at,
        case when email_consent = 'UNSUBSCRIBED' then coalesce(email_consent_at, updated_at) end
            as left_at,
        case when email_consent = 'UNSUBSCRIBED' then 'unsubscribed' end as left_by
    from profiles

),

dated as (

    select
        platform,
        audience_id,
        {{ month_start('joined_at') }} as joined_month,
        {{ month_start('left_at') }} as left_month,
        left_by
    from memberships
    where joined_at is not null

),

spans as (

    select
        platform,
        audience_id,
        min(joined_month) as first_month,
        max(case when left_month > joined_month then left_month else joined_month end)
            as last_month
    from dated
    group by platform, audience_id

),

digits as (

    {{ digits() }}

),

month_numbers as (

    select hundreds.digit * 100 + tens.digit * 10 + ones.digit as month_number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds

),

months as (

    select
        spans.platform,
        spans.audience_id,
        {{ months_after('spans.first_month', 'month_numbers.month_number') }} as month_date
    from spans
    inner join month_numbers
        on {{ months_between('spans.first_month', 'spans.last_month') }}
        >= month_numbers.month_number

),

counted as (

    select
        months.platform,
        months.audience_id,
        months.month_date,
        count(case when dated.joined_month < months.month_date then 1 end)
        - count(case when dated.left_month < months.month_date then 1 end) as members_at_start,
        count(case when dated.joined_month = months.month_date then 1 end) as joined,
        count(
            case
                when dated.left_month = months.month_date and dated.left_by = 'unsubscribed' then 1
            end
        ) as unsubscribed,
        count(
            case when dated.left_month = months.month_date and dated.left_by = 'cleaned' then 1 end
        ) as cleaned,
        count(
            case
                when
                    dated.left_month = months.month_date
                    and dated.left_by in ('archived', 'deleted')
                    then 1
            end
        ) as removed
    from months
    inner join dated
        on months.platform = dated.platform and months.audience_id = dated.audience_id
    group by months.platform, months.audience_id, months.month_date

),

named as (

    select
        counted.platform,
        counted.audience_id,
        audiences.audience_name,
        counted.month_date,
        counted.members_at_start,
        counted.joined,
        counted.unsubscribed,
        case when counted.platform <> 'klaviyo' then counted.cleaned end as cleaned,
        case when counted.platform <> 'klaviyo' then counted.removed end as removed,
        counted.members_at_start + counted.joined
        - counted.unsubscribed - counted.cleaned - counted.removed as members_at_end,
        {{ safe_ratio('counted.joined', 'counted.members_at_start') }} as join_rate,
        {{ safe_ratio(
            'counted.unsubscribed + counted.cleaned + counted.removed', 'counted.members_at_start'
        ) }} as decay_rate,
        {{ safe_ratio(
            'counted.joined - counted.unsubscribed - counted.cleaned - counted.removed',
            'counted.members_at_start'
        ) }} as growth_rate
    from counted
    left join audiences
        on counted.platform = 'mailchimp' and counted.audience_id = audiences.list_id

)

select * from named
