-- no step of the funnel is wider than the one before
{{ config(tags=['business_logic']) }}

with

funnel as (

    select * from {{ ref('fct_acquisition_funnel') }}

),

violations as (

    select * from funnel
    where
        product_view_sessions > sessions
        or add_to_cart_sessions > product_view_sessions
        or checkout_sessions > add_to_cart_sessions
        or purchase_sessions > checkout_sessions

)

select * from violations
