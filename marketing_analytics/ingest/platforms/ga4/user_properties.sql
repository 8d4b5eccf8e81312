-- one row per device, property and value of a day: events repeat what was set once
with
    unnested as (
        select
            event_date,
            user_pseudo_id,
            unnest(user_properties) as user_properties
        from flat
        where len(user_properties) > 0
    )

select distinct
    event_date,
    user_pseudo_id,
    user_properties.key as property_name,
    @user_properties.value.string_value as string_value,
    @user_properties.value.int_value as int_value,
    coalesce(@user_properties.value.double_value, @user_properties.value.float_value)
        as given_double_value,
    try_cast(given_double_value as decimal(18, 6)) as double_value,
    make_timestamp(@user_properties.value.set_timestamp_micros) as set_at
from unnested
