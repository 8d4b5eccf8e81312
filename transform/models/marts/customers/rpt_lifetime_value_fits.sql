with

fits as (

    select * from {{ ref('int_value__fits') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}
    where cut_off = 'current'

),

listed as (

    select
        fits.model_id,
        fits.as_of_date,
        fits.fitted_at,
        fits.status,
        fits.reason,
        coalesce(fits.model_id = parameters.model_id, false) as is_in_force,
        fits.time_unit,
        fits.customers,
        fits.repeat_customers,
        fits.unique_rows,
        fits.r,
        fits.alpha_weeks,
        fits.a,
        fits.b,
        fits.purchase_log_likelihood,
        fits.purchase_covariance,
        fits.p,
        fits.q,
        fits.gamma_usd,
        fits.spend_log_likelihood,
        fits.spend_covariance,
        fits.purchases_relative_error,
        fits.spend_relative_error
    from fits
    left join parameters on fits.model_id = parameters.model_id

)

select * from listed
