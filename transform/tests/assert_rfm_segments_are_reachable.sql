-- every score of every measure has a segment, every segment has scores that lead to it, and who
-- ordered once is neither a champion nor loyal, also where fifths of all give the scores
{{ config(tags=['business_logic']) }}

with

rules as (

    select * from {{ ref('rfm_segments') }}

),

digits as (
    {{ digits() }}
),

scores as (

    select digit as score
    from digits
    where digit between 1 and 5

),

kinds as (

    select
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score,
        orders.digit as frequency
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
    inner join digits as orders on orders.digit between 1 and 9

),

fitting as (
    {{ rfm_fitting('left') }}
),

chosen as (

    select * from fitting
    where choice = 1

),

violations as (

    select
        'scores without a segment' as problem,
        recency_score,
        frequency_score,
        monetary_score,
        segment
    from chosen
    where segment is null

    union all

    select
        'one order makes no friend' as problem,
        recency_score,
        frequency_score,
        monetary_score,
        segment
    from chosen
    where frequency = 1 and segment in ('champions', 'loyal')

    union all

    select
        'a segment that no score leads to' as problem,
        cast(null as integer) as recency_score,
        cast(null as integer) as frequency_score,
        cast(null as integer) as monetary_score,
        rules.segment
    from rules
    left join chosen on rules.segment = chosen.segment
    where chosen.segment is null

)

select * from violations
