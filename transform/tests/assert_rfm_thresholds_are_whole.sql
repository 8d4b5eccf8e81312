-- five scores a measure, each from its own value on: of recency the best one from no days on, of
-- the others the higher the better
{{ config(tags=['business_logic']) }}

with

thresholds as (

    select
        measure,
        case when measure = 'recency' then 6 - score else score end as place,
        coalesce(at_least, -1000000000000000) as at_least
    from {{ ref('rfm_thresholds') }}

),

compared as (

    select
        *,
        lag(place) over (partition by measure order by at_least) as place_before,
        lag(at_least) over (partition by measure order by at_least) as at_least_before,
        count(*) over (partition by measure) as places,
        count(*) over () as all_places
    from thresholds

),

violations as (

    select * from compared
    where
        all_places != 15
        or places != 5
        or place != coalesce(place_before + 1, 1)
        or at_least = at_least_before
        or (place = 1 and measure = 'recency' and at_least > 0)
        or (place = 1 and measure = 'frequency' and at_least > 1)
        or (place = 1 and measure = 'monetary' and at_least != -1000000000000000)

)

select * from violations
