with

pauses as (

    select * from {{ ref('stg_shop__planned_pauses') }}

),

orders as (

    select * from {{ ref('int_orders__revenue') }}
    where is_first_order and not is_opted_out

),

purchases as (

    select * from {{ ref('int_web__purchases') }}
    where country is not null and region is not null

),

held as (

    -- a pause everywhere leaves nothing to compare with
    select distinct
        pause_name,
        first_date,
        last_date,
        country,
        region
    from pauses
    where country <> ''

),

hold_outs as (

    -- compared with as many days before
    select
        pause_name,
        first_date,
        last_date,
        {{ days_after('first_date', var('hold_out_settling_days')) }} as counted_from_date,
        {{ days_after('first_date', '-1 - ' ~ days_between('first_date', 'last_date')) }}
            as before_from_date,
        max(case when region = '' then 1 else 0 end) = 1 as is_of_countries
    from held
    group by pause_name, first_date, last_date

),

rests as (

    select distinct
        pause_name,
        first_date,
        last_date,
        {{ days_after('last_date', var('hold_out_settling_days')) }} as works_until_date
    from pauses

),

placed as (

    select
        purchases.country,
        purchases.region,
        orders.order_id,
        orders.order_date
    from orders
    inner join purchases on orders.order_id = purchases.order_id

),

places as (

    select
        country,
        region
    from placed
    group by country, region

),

sides as (

    select
        hold_outs.pause_name,
        hold_outs.first_date,
        hold_outs.last_date,
        hold_outs.counted_from_date,
        hold_outs.before_from_date,
        hold_outs.is_of_countries,
        places.country,
        places.region,
        max(
            case when held.region in ('', places.region) then 1 else 0 end
        ) = 1 as is_held_out,
        count(held.pause_name) > 0 as is_in_held_country
    from hold_outs
    cross join places
    left join held
        on hold_outs.pause_name = held.pause_name
        and hold_outs.first_date = held.first_date
        and hold_outs.last_date = held.last_date
        and places.country = held.country
    group by
        hold_outs.pause_name, hold_outs.first_date, hold_outs.last_date,
        hold_outs.counted_from_date, hold_outs.before_from_date, hold_outs.is_of_countries,
        places.country, places.region

),

compared as (

    -- neighbours in the same countries are most alike; whole countries have others alone
    select *
    from sides
    where is_held_out or is_in_held_country or is_of_countries

),

counted as (

    -- days on which the same rests elsewhere, or everywhere, say nothing
    select
        compared.pause_name,
        compared.first_date,
        compared.last_date,
        compared.country,
        compared.region,
        sum(case when placed.order_date < compared.first_date then 1 else 0 end) as orders_before,
        sum(case when placed.order_date >= compared.first_date then 1 else 0 end) as orders_during
    from compared
    inner join placed
        on compared.country = placed.country
        and compared.region = placed.region
        and compared.before_from_date <= placed.order_date
        and compared.last_date >= placed.order_date
        and (
            compared.first_date > placed.order_date
            or compared.counted_from_date <= placed.order_date
        )
    left join rests
        on compared.pause_name = rests.pause_name
        and (compared.first_date <> rests.first_date or compared.last_date <> rests.last_date)
        and placed.order_date between rests.first_date and rests.works_until_date
    where rests.pause_name is null
    group by
        compared.pause_name, compared.first_date, compared.last_date,
        compared.country, compared.region

),

regions as (

    select
        compared.pause_name,
        compared.first_date,
        compared.last_date,
        compared.country,
        compared.region,
        compared.is_held_out,
        coalesce(counted.orders_before, 0) as orders_before,
        coalesce(counted.orders_during, 0) as orders_during
    from compared
    left join counted
        on compared.pause_name = counted.pause_name
        and compared.first_date = counted.first_date
        and compared.last_date = counted.last_date
        and compared.country = counted.country
        and compared.region = counted.region

)

select * from regions
