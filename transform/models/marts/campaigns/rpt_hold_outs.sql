with

pauses as (

    select * from {{ ref('stg_shop__planned_pauses') }}

),

campaigns as (

    select * from {{ ref('int_ads__campaigns') }}

),

spend as (

    select * from {{ ref('int_ads__daily') }}

),

counted as (

    select * from {{ ref('int_hold_outs__regions') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

resting as (

    select distinct
        pauses.pause_name,
        pauses.first_date,
        pauses.last_date,
        pauses.platform,
        pauses.campaign_id,
        campaigns.channel
    from pauses
    left join campaigns
        on pauses.platform = campaigns.platform and pauses.campaign_id = campaigns.campaign_id
    where pauses.country <> ''

),

spent as (

    select
        campaigns.channel,
        campaigns.platform,
        campaigns.campaign_id,
        sum(spend.spend_usd) as spend_usd
    from spend
    inner join campaigns
        on spend.platform = campaigns.platform and spend.campaign_id = campaigns.campaign_id
    group by campaigns.channel, campaigns.platform, campaigns.campaign_id

),

channel_spend as (

    select
        channel,
        sum(spend_usd) as spend_usd
    from spent
    group by channel

),

hold_outs as (

    select
        resting.pause_name,
        resting.first_date,
        resting.last_date,
        case
            when count(*) = count(resting.channel) and count(distinct resting.channel) = 1
                then min(resting.channel)
        end as channel,
        coalesce(sum(spent.spend_usd), 0) as spend_usd
    from resting
    left join spent
        on resting.platform = spent.platform and resting.campaign_id = spent.campaign_id
    group by resting.pause_name, resting.first_date, resting.last_date

),

shared as (

    -- regions of a side have, but for chance, the same share of their orders during the pause
    select
        *,
        orders_before + orders_during as orders,
        {{ safe_ratio(
            'sum(orders_during) over (partition by pause_name, first_date, last_date, is_held_out)',
            'sum(orders_before + orders_during)'
            ~ ' over (partition by pause_name, first_date, last_date, is_held_out)'
        ) }} as share_during
    from counted

),

summed as (

    select
        pause_name,
        first_date,
        last_date,
        sum(case when is_held_out then 1 else 0 end) as regions_held_out,
        sum(case when is_held_out then 0 else 1 end) as regions_kept,
        sum(case when is_held_out then orders_before else 0 end) as held_out_before,
        sum(case when is_held_out then orders_during else 0 end) as held_out_during,
        sum(case when is_held_out then 0 else orders_before end) as kept_before,
        sum(case when is_held_out then 0 else orders_during end) as kept_during,
        sum(case when orders > 0 then 1 else 0 end) - 2 as freedom,
        sum(
            power(orders_during - orders * share_during, 2)
            / nullif(orders * share_during * (1 - share_during), 0)
        ) as deviance
    from shared
    group by pause_name, first_date, last_date

),

compared as (

    select
        hold_outs.pause_name,
        hold_outs.first_date,
        hold_outs.last_date,
        hold_outs.channel,
        hold_outs.first_date <= as_of.as_of_date as is_begun,
        hold_outs.last_date <= as_of.as_of_date as is_over,
        coalesce(summed.regions_held_out, 0) as regions_held_out,
        coalesce(summed.regions_kept, 0) as regions_kept,
        coalesce(summed.held_out_before, 0) as held_out_before,
        coalesce(summed.held_out_during, 0) as held_out_during,
        coalesce(summed.kept_before, 0) as kept_before,
        coalesce(summed.kept_during, 0) as kept_during,
        coalesce(summed.freedom, 0) as freedom,
        summed.deviance,
        {{ safe_ratio('hold_outs.spend_usd', 'channel_spend.spend_usd') }} as spend_share
    from hold_outs
    cross join as_of
    left join summed
        on hold_outs.pause_name = summed.pause_name
        and hold_outs.first_date = summed.first_date
        and hold_outs.last_date = summed.last_date
    left join channel_spend on hold_outs.channel = channel_spend.channel

),

judged as (

    select
        *,
        case
            when not is_begun then 'planned'
            when channel is null then 'no one channel'
            when least(regions_held_out, regions_kept) = 0 then 'nothing to compare with'
            when freedom < 5 then 'too few regions'
            when
                least(held_out_before, held_out_during, kept_before, kept_during)
                < {{ var('minimum_cell_customers') }}
                then 'too few orders'
            else 'estimated'
        end as hold_out_status
    from compared

),

estimated as (

    -- orders are counts, and regions vary by more than counts do: the wider of the two
    select
        *,
        case when hold_out_status = 'estimated' then greatest(1, deviance / freedom) end
            as dispersion,
        case
            when hold_out_status = 'estimated'
                then
                    ln({{ safe_ratio('held_out_during', 'held_out_before') }})
                    - ln({{ safe_ratio('kept_during', 'kept_before') }})
        end as log_change,
        case
            when hold_out_status = 'estimated'
                then
                    1e0 / held_out_before + 1e0 / held_out_during
                    + 1e0 / kept_before + 1e0 / kept_during
        end as variance,
        case when hold_out_status = 'estimated' then {{ interval_width('freedom') }} end as reach
    from judged

),

bounded as (

    select
        *,
        reach * sqrt(dispersion * variance) as log_reach
    from estimated

),

results as (

    select
        pause_name,
        first_date,
        last_date,
        channel,
        hold_out_status,
        true as is_estimate,
        is_over,
        cast(regions_held_out as bigint) as regions_held_out,
        cast(regions_kept as bigint) as regions_kept,
        cast(held_out_before as bigint) as held_out_before,
        cast(held_out_during as bigint) as held_out_during,
        cast(kept_before as bigint) as kept_before,
        cast(kept_during as bigint) as kept_during,
        {{ round_half('spend_share', 6) }} as spend_share,
        {{ round_half('dispersion', 6) }} as dispersion,
        {{ round_half('log_change', 6) }} as log_change,
        {{ round_half('log_reach', 6) }} as log_reach,
        {{ round_half('1 - exp(log_change)', 6) }} as caused_share,
        {{ round_half('1 - exp(log_change + log_reach)', 6) }} as caused_share_lower,
        {{ round_half('1 - exp(log_change - log_reach)', 6) }} as caused_share_upper
    from bounded

)

select * from results
