{#- a timestamp with zone as a plain UTC timestamp, whatever the zone of the session -#}
{% macro to_utc(column) -%}
    {{ return(adapter.dispatch('to_utc', 'marketing')(column)) }}
{%- endmacro %}

{% macro default__to_utc(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}

{#- its `at time zone` gives a type with zone -#}
{% macro trino__to_utc(column) -%}
    cast({{ column }} at time zone 'UTC' as timestamp(6))
{%- endmacro %}

{#- the zone of its session must be UTC: docs/howto/warehouses.md -#}
{% macro spark__to_utc(column) -%}
    cast({{ column }} as timestamp)
{%- endmacro %}

{% macro snowflake__to_utc(column) -%}
    cast(convert_timezone('UTC', {{ column }}) as timestamp_ntz)
{%- endmacro %}

{#- its timestamps are instants, and show themselves in UTC -#}
{% macro bigquery__to_utc(column) -%}
    {{ column }}
{%- endmacro %}

{% macro month_start(column) -%}
    cast({{ dbt.date_trunc('month', column) }} as date)
{%- endmacro %}

{#- calendar months from the month of one date to that of another -#}
{% macro months_between(first_date, second_date) -%}
    cast(
        12 * (extract(year from {{ second_date }}) - extract(year from {{ first_date }}))
        + extract(month from {{ second_date }}) - extract(month from {{ first_date }}) as integer
    )
{%- endmacro %}

{#- the first day of a month that is written 2026-06 -#}
{% macro first_of_month(month) -%}
    cast({{ month }} || '-01' as date)
{%- endmacro %}

{% macro days_between(first_date, second_date) -%}
    {{ return(adapter.dispatch('days_between', 'marketing')(first_date, second_date)) }}
{%- endmacro %}

{% macro default__days_between(first_date, second_date) -%}
    {{ dbt.datediff(first_date, second_date, 'day') }}
{%- endmacro %}

{% macro spark__days_between(first_date, second_date) -%}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}

{% macro days_after(date, days) -%}
    {{ return(adapter.dispatch('days_after', 'marketing')(date, days)) }}
{%- endmacro %}

{% macro default__days_after(date, days) -%}
    cast({{ dbt.dateadd('day', days, date) }} as date)
{%- endmacro %}

{% macro spark__days_after(date, days) -%}
    date_add({{ date }}, {{ days }})
{%- endmacro %}

{% macro months_after(date, months) -%}
    {{ return(adapter.dispatch('months_after', 'marketing')(date, months)) }}
{%- endmacro %}

{% macro default__months_after(date, months) -%}
    cast({{ dbt.dateadd('month', months, date) }} as date)
{%- endmacro %}

{% macro spark__months_after(date, months) -%}
    add_months({{ date }}, cast({{ months }} as int))
{%- endmacro %}

{% macro day_before(date) -%}
    {{ days_after(date, -1) }}
{%- endmacro %}

{% macro month_end(column) -%}
    {{ return(adapter.dispatch('month_end', 'marketing')(column)) }}
{%- endmacro %}

{% macro default__month_end(column) -%}
    {{ dbt.last_day(column, 'month') }}
{%- endmacro %}

{% macro spark__month_end(column) -%}
    last_day({{ column }})
{%- endmacro %}

{#- elapsed seconds with their fraction, exact to the microsecond; a difference in seconds would
    count the clock's ticks instead -#}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between', 'marketing')(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    ({{ as_double(dbt.datediff(earlier, later, 'microsecond')) }} / 1000000)
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    ((epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1e6)
{%- endmacro %}

{% macro postgres__seconds_between(earlier, later) -%}
    cast(extract(epoch from ({{ later }} - {{ earlier }})) as double precision)
{%- endmacro %}

{% macro redshift__seconds_between(earlier, later) -%}
    {{ marketing.default__seconds_between(earlier, later) }}
{%- endmacro %}

{#- a double holds the seconds since 1970 to a quarter of a microsecond -#}
{% macro trino__seconds_between(earlier, later) -%}
    (
        (round(to_unixtime({{ later }}) * 1e6) - round(to_unixtime({{ earlier }}) * 1e6))
        / 1e6
    )
{%- endmacro %}

{% macro spark__seconds_between(earlier, later) -%}
    (cast(unix_micros({{ later }}) - unix_micros({{ earlier }}) as double) / 1000000)
{%- endmacro %}

{#- is a day no later than the day that is asked for; without one all days of the data are taken -#}
{% macro is_known_by_as_of(date) -%}
    {%- if var('as_of_date') -%}
        {{ date }} <= cast('{{ var("as_of_date") }}' as date)
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}

{#- 'today' for every model: the variable as_of_date, else the latest date of the data -#}
{% macro as_of_date(latest_data_date) -%}
    {%- if var('as_of_date') -%}
        cast('{{ var("as_of_date") }}' as date)
    {%- else -%}
        {{ latest_data_date }}
    {%- endif -%}
{%- endmacro %}
