with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

ad_days as (

    select * from {{ ref('int_ads__daily') }}

),

campaigns as (

    select * from {{ ref('int_ads__campaigns') }}

),

stepped as (

    -- who got to a later step has passed the earlier ones, whatever was recorded
    select
        channel,
        session_date,
        is_engaged,
        {{ seconds_between('started_at', 'product_viewed_at') }} as seconds_to_product_view,
        {{ seconds_between('product_viewed_at', 'added_to_cart_at') }} as seconds_to_cart,
        {{ seconds_between('added_to_cart_at', 'checkout_began_at') }} as seconds_to_checkout,
        {{ seconds_between('checkout_began_at', 'purchased_at') }} as seconds_to_purchase,
        case
            when has_purchase then 4
            when has_checkout then 3
            when has_add_to_cart then 2
            when has_product_view then 1
            else 0
        end as furthest_step
    from sessions
    where not is_bot

),

counted as (

    -- a step that was recorded before the one it follows says nothing of the time between them
    select
        channel,
        session_date,
        count(*) as sessions,
        count(case when is_engaged then 1 end) as engaged_sessions,
        count(case when furthest_step >= 1 then 1 end) as product_view_sessions,
        count(case when furthest_step >= 2 then 1 end) as add_to_cart_sessions,
        count(case when furthest_step >= 3 then 1 end) as checkout_sessions,
        count(case when furthest_step >= 4 then 1 end) as purchase_sessions,
        avg(case when seconds_to_product_view >= 0 then seconds_to_product_view end)
            as seconds_to_product_view,
        avg(case when seconds_to_cart >= 0 then seconds_to_cart end) as seconds_to_add_to_cart,
        avg(case when seconds_to_checkout >= 0 then seconds_to_checkout end)
            as seconds_to_checkout,
        avg(case when seconds_to_purchase >= 0 then seconds_to_purchase end)
            as seconds_to_purchase
    from stepped
    group by channel, session_date

),

spent as (

    select
        campaigns.channel,
        ad_days.report_date as session_date,
        cast(sum(ad_days.spend_usd) as decimal(18, 2)) as spend_usd
    from ad_days
    inner join campaigns
        on ad_days.platform = campaigns.platform
        and ad_days.account_id = campaigns.account_id
        and ad_days.campaign_id = campaigns.campaign_id
    group by campaigns.channel, ad_days.report_date

),

channel_days as (

    select
        channel,
        session_date
    from counted

    {{ union_distinct() }}

    select
        channel,
        session_date
    from spent

),

joined as (

    -- a day with spend and without visits is one too
    select
        channel_days.channel,
        channel_days.session_date,
        coalesce(counted.sessions, 0) as sessions,
        coalesce(counted.engaged_sessions, 0) as engaged_sessions,
        coalesce(counted.product_view_sessions, 0) as product_view_sessions,
        coalesce(counted.add_to_cart_sessions, 0) as add_to_cart_sessions,
        coalesce(counted.checkout_sessions, 0) as checkout_sessions,
        coalesce(counted.purchase_sessions, 0) as purchase_sessions,
        counted.seconds_to_product_view,
        counted.seconds_to_add_to_cart,
        counted.seconds_to_checkout,
        counted.seconds_to_purchase,
        spent.spend_usd
    from channel_days
    left join counted
        on channel_days.channel = counted.channel
        and channel_days.session_date = counted.session_date
    left join spent
        on channel_days.channel = spent.channel
        and channel_days.session_date = spent.session_date

),

funnel as (

    select
        *,
        {{ safe_ratio('product_view_sessions', 'sessions') }} as product_view_rate,
        {{ safe_ratio('add_to_cart_sessions', 'product_view_sessions') }} as add_to_cart_rate,
        {{ safe_ratio('checkout_sessions', 'add_to_cart_sessions') }} as checkout_rate,
        {{ safe_ratio('purchase_sessions', 'checkout_sessions') }} as purchase_rate,
        {{ safe_ratio('purchase_sessions', 'sessions') }} as conversion_rate,
        {{ safe_ratio('spend_usd', 'sessions') }} as cost_per_session_usd,
        {{ safe_ratio('spend_usd', 'product_view_sessions') }} as cost_per_product_view_usd,
        {{ safe_ratio('spend_usd', 'add_to_cart_sessions') }} as cost_per_add_to_cart_usd,
        {{ safe_ratio('spend_usd', 'checkout_sessions') }} as cost_per_checkout_usd,
        {{ safe_ratio('spend_usd', 'purchase_sessions') }} as cost_per_purchase_usd
    from joined

)

select * from funnel
