with

every_score as (

    select * from {{ ref('int_value__scores') }}

),

accuracy as (

    select * from {{ ref('rpt_lifetime_value_accuracy') }}
    where kind = 'hold_out'

),

scores as (

    select * from every_score
    where cut_off = 'current'

),

impossible as (

    -- what a fit expects of these customers is no number that can be
    select count(*) as customers
    from every_score
    where
        model_id is not null
        and revenue_variance_365d is null

),

longest as (

    select max(horizon_days) as horizon_days from accuracy

),

verdict as (

    -- by the longest horizon that the hold-out can judge
    select accuracy.has_beaten_benchmark
    from accuracy
    inner join longest on accuracy.horizon_days = longest.horizon_days

),

decided as (

    select
        scores.*,
        case
            when
                scores.model_id is not null
                and verdict.has_beaten_benchmark
                and impossible.customers = 0
                then 'bg_nbd'
            else 'cohort_average'
        end as shown_model
    from scores
    cross join impossible
    left join verdict on 1 = 1

),

shown as (

    select
        customer_key,
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        acquisition_channel,
        frequency + 1 as purchases,
        case when shown_model = 'bg_nbd' then probability_alive end as probability_alive,
        {% for days in horizons_days() %}
            case
                when shown_model = 'bg_nbd' then expected_purchases_{{ days }}d
                else {{ days }} * benchmark_purchases_a_day
            end as expected_purchases_{{ days }}d,
            case
                when shown_model = 'bg_nbd' then expected_revenue_{{ days }}d_usd
                else {{ days }} * benchmark_revenue_a_day_usd
            end as expected_revenue_{{ days }}d_usd,
            case when shown_model = 'bg_nbd' then revenue_variance_{{ days }}d end
                as revenue_variance_{{ days }}d,
        {% endfor %}
        case when shown_model = 'bg_nbd' then expected_spend_usd end as expected_spend_usd
    from decided

)

select * from shown
