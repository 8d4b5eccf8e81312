{#- when a row of a history begins and ends to be true: raw rows say when a change was seen. What
    was seen first is taken to have been so before -#}
{% macro valid_from_at(key, observed_at='observed_at') -%}
    case
        when row_number() over (partition by {{ key }} order by {{ observed_at }}) = 1
            then cast('1970-01-01 00:00:00' as timestamp)
        else {{ to_utc(observed_at) }}
    end
{%- endmacro %}

{% macro valid_to_at(key, observed_at='observed_at') -%}
    coalesce(
        lead({{ to_utc(observed_at) }}) over (partition by {{ key }} order by {{ observed_at }}),
        cast('9999-12-31 00:00:00' as timestamp)
    )
{%- endmacro %}
