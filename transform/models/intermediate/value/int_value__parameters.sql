with

fits as (

    select * from {{ ref('int_value__fits') }}
    where status = 'good'

),

histories as (

    select * from {{ ref('int_value__histories') }}

),

cut_offs as (

    select
        cut_off,
        as_of_date
    from histories
    group by cut_off, as_of_date

),

ranked as (

    -- a fit that went wrong leaves the one before it in force
    select
        cut_offs.cut_off,
        cut_offs.as_of_date,
        fits.model_id,
        fits.as_of_date as fit_date,
        fits.r,
        fits.alpha_weeks,
        fits.a,
        fits.b,
        fits.p,
        fits.q,
        fits.gamma_usd,
        fits.purchases_relative_error,
        fits.spend_relative_error,
        row_number() over (
            partition by cut_offs.cut_off
            order by fits.as_of_date desc, fits.fitted_at desc, fits.model_id desc
        ) as recency_rank
    from cut_offs
    inner join fits
        on cut_offs.as_of_date >= fits.as_of_date
        and fits.time_unit = 'weeks'

),

parameters as (

    select
        cut_off,
        as_of_date,
        model_id,
        fit_date,
        r,
        alpha_weeks,
        a,
        b,
        p,
        q,
        gamma_usd,
        purchases_relative_error,
        spend_relative_error
    from ranked
    where recency_rank = 1

)

select * from parameters
