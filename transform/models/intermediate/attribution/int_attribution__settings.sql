with

settings as (

    select
        '{{ var("default_attribution_model") }}' as default_model,
        {{ var("default_attribution_window_days") }} as default_window_days,
        '{{ attribution_settings() }}' as settings_digest

)

select * from settings
