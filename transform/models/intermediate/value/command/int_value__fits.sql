with

histories as (

    select * from {{ ref('int_value__distinct_histories') }}

),

nothing as (

    -- `marketing measure fit` adds the rows where the warehouse runs no Python
    select
        {{ as_text('null') }} as model_id,
        as_of_date,
        cast(null as timestamp) as fitted_at,
        {{ as_text('null') }} as time_unit,
        {{ as_text('null') }} as status,
        {{ as_text('null') }} as reason,
        customers,
        customers as repeat_customers,
        customers as unique_rows,
        {{ as_double('null') }} as r,
        {{ as_double('null') }} as alpha_weeks,
        {{ as_double('null') }} as a,
        {{ as_double('null') }} as b,
        {{ as_double('null') }} as p,
        {{ as_double('null') }} as q,
        {{ as_double('null') }} as gamma_usd,
        {{ as_double('null') }} as purchase_log_likelihood,
        {{ as_double('null') }} as spend_log_likelihood,
        {{ as_text('null') }} as purchase_covariance,
        {{ as_text('null') }} as spend_covariance,
        {{ as_double('null') }} as purchases_relative_error,
        {{ as_double('null') }} as spend_relative_error
    from histories
    where 1 = 0

)

select * from nothing
