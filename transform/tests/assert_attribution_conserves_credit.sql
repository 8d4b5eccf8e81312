-- every conversion is credited once in every model and window, exactly; one that was refunded
-- wholly is credited to nobody
{{ config(tags=['conservation']) }}

with

attribution as (

    select * from {{ ref('fct_attribution') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

windows as (
    {{ attribution_windows() }}
),

models as (
    {{ attribution_models() }}
),

credited as (

    select
        conversion_id,
        model,
        window_days,
        sum(credit) as credit
    from attribution
    group by conversion_id, model, window_days

),

violations as (

    select
        conversions.conversion_id,
        models.model,
        windows.window_days,
        credited.credit
    from conversions
    cross join models
    cross join windows
    left join credited
        on conversions.conversion_id = credited.conversion_id
        and models.model = credited.model
        and windows.window_days = credited.window_days
    where
        credited.credit is null
        or credited.credit <> case when conversions.is_refunded then 0 else 1 end

)

select * from violations
