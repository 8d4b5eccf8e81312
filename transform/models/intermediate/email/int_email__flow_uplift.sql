with

flows as (

    select * from {{ ref('stg_mailchimp__automations') }}

),

members as (

    select * from {{ ref('stg_mailchimp__members') }}
    where member_status in ('subscribed', 'unsubscribed', 'cleaned', 'archived')

),

customers as (

    select * from {{ ref('int_consent__customers') }}

),

refusers as (

    select * from {{ ref('int_consent__addresses') }}

),

orders as (

    select * from {{ ref('int_orders__revenue') }}
    where customer_key is not null

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

joined as (

    -- everybody who joined while the flow ran and long enough ago, whatever was sent: that the tag
    -- was given by chance makes the two groups alike
    select
        flows.automation_id,
        members.email_key,
        cast(coalesce(members.opted_in_at, members.signed_up_at) as date) as joined_date,
        coalesce(
            {{ contains('members.tags', "'\"Hold-out: ' || flows.automation_title || '\"'") }},
            false
        ) as is_held_out
    from flows
    inner join members on flows.list_id = members.list_id
    left join refusers on members.email_key = refusers.email_key
    cross join as_of
    where
        refusers.email_key is null
        and coalesce(members.opted_in_at, members.signed_up_at) >= flows.started_at
        and {{ days_after(
            'cast(coalesce(members.opted_in_at, members.signed_up_at) as date)',
            var('flow_uplift_days')
        ) }} <= as_of.as_of_date

),

spent as (

    select
        joined.automation_id,
        joined.is_held_out,
        joined.email_key,
        count(orders.order_id) as orders,
        {{ as_double('coalesce(sum(orders.revenue_usd), 0)') }} as revenue_usd
    from joined
    left join customers on joined.email_key = customers.email_key
    left join orders
        on customers.customer_key = orders.customer_key
        and joined.joined_date <= orders.order_date
        and {{ days_after('joined.joined_date', var('flow_uplift_days')) }} > orders.order_date
    group by joined.automation_id, joined.is_held_out, joined.email_key

),

deviating as (

    select
        *,
        revenue_usd - avg(revenue_usd) over (partition by automation_id, is_held_out)
            as deviation_usd
    from spent

),

arms as (

    select
        automation_id,
        is_held_out,
        count(*) as members,
        sum(orders) as orders,
        avg(revenue_usd) as mean_usd,
        sum(deviation_usd * deviation_usd) / nullif(count(*) - 1, 0) as variance
    from deviating
    group by automation_id, is_held_out

),

compared as (

    select
        held.automation_id,
        written.members as members_written,
        held.members as members_held_out,
        written.orders as orders_written,
        held.orders as orders_held_out,
        written.mean_usd as revenue_per_member_usd,
        held.mean_usd as revenue_per_held_out_usd,
        written.mean_usd - held.mean_usd as uplift_per_member_usd,
        sqrt(written.variance / written.members + held.variance / held.members)
            as uplift_error_usd
    from arms as held
    inner join arms as written
        on held.automation_id = written.automation_id and not written.is_held_out
    where held.is_held_out

)

select * from compared
