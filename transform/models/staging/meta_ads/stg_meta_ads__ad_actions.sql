with

source as (

    select * from {{ source('meta_ads', 'ad_actions') }}

),

renamed as (

    select
        account_id,
        date as report_date,
        ad_id,
        action_type,
        currency,
        coalesce(actions, 0) as actions,
        coalesce(actions_1d_click, 0) as actions_1d_click,
        coalesce(actions_7d_click, 0) as actions_7d_click,
        coalesce(actions_28d_click, 0) as actions_28d_click,
        coalesce(actions_1d_view, 0) as actions_1d_view,
        coalesce(actions_1d_ev, 0) as actions_1d_ev,
        coalesce(action_value, 0) as action_value,
        coalesce(action_value_1d_click, 0) as action_value_1d_click,
        coalesce(action_value_7d_click, 0) as action_value_7d_click,
        coalesce(action_value_28d_click, 0) as action_value_28d_click,
        coalesce(action_value_1d_view, 0) as action_value_1d_view,
        coalesce(action_value_1d_ev, 0) as action_value_1d_ev,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
