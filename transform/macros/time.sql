{#- a timestamp with zone as a plain UTC timestamp, whatever the zone of the session -#}
{% macro to_utc(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro %}

{% macro month_start(column) -%}
    cast({{ dbt.date_trunc('month', column) }} as date)
{%- endmacro %}

{% macro days_between(first_date, second_date) -%}
    {{ dbt.datediff(first_date, second_date, 'day') }}
{%- endmacro %}

{% macro month_end(column) -%}
    {{ dbt.last_day(column, 'month') }}
{%- endmacro %}

{#- elapsed seconds with their fraction; datediff would count the clock's ticks instead -#}
{% macro seconds_between(first_at, second_at) -%}
    {{ return(adapter.dispatch('seconds_between', 'marketing')(first_at, second_at)) }}
{%- endmacro %}

{% macro default__seconds_between(first_at, second_at) -%}
    {{ dbt.datediff(first_at, second_at, 'second') }}
{%- endmacro %}

{% macro duckdb__seconds_between(first_at, second_at) -%}
    ((epoch_us({{ second_at }}) - epoch_us({{ first_at }})) / 1000000.0)
{%- endmacro %}

{#- 'today' for every model: the variable as_of_date, else the latest date of the data -#}
{% macro as_of_date(latest_data_date) -%}
    {%- if var('as_of_date') -%}
        cast('{{ var("as_of_date") }}' as date)
    {%- else -%}
        {{ latest_data_date }}
    {%- endif -%}
{%- endmacro %}
