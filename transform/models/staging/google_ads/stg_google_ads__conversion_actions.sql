with

source as (

    select * from {{ source('google_ads', 'conversion_actions') }}

),

renamed as (

    select
        conversion_action_id,
        customer_id as account_id,
        name as conversion_action_name,
        status as conversion_action_status,
        type as conversion_action_type,
        category,
        is_primary,
        is_counted,
        click_lookback_days,
        view_lookback_days,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
