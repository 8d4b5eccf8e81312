{#-
    joins that find the rates for amounts in `currency` on `date`: those of the day, or the last ones
    before it. `rates` is int_calendar__exchange_rates
-#}
{% macro join_rates(currency, date) -%}
    left join rates as unit_rates
        on {{ currency }} = unit_rates.currency
        and {{ date }} >= unit_rates.rate_date
        and {{ date }} <= unit_rates.valid_until_date
    {%- if var('reporting_currency') != 'USD' %}
    left join rates as reporting_rates
        on reporting_rates.currency = '{{ var("reporting_currency") }}'
        and {{ date }} >= reporting_rates.rate_date
        and {{ date }} <= reporting_rates.valid_until_date
    {%- endif -%}
{%- endmacro %}

{#- what a unit of `currency` is worth in the reporting currency; null where no rate is known. Rates
    come in dollars, so that others cross over the dollar -#}
{% macro reporting_rate(currency) -%}
    {%- set reporting = var('reporting_currency') -%}
    case
        when {{ currency }} = '{{ reporting }}' then 1
        {%- if reporting == 'USD' %}
        else unit_rates.usd_per_unit
        {%- else %}
        when {{ currency }} = 'USD' then 1 / reporting_rates.usd_per_unit
        else unit_rates.usd_per_unit / reporting_rates.usd_per_unit
        {%- endif %}
    end
{%- endmacro %}

{#- the day of the rate that `reporting_rate` takes, the older one of two; null where none is needed -#}
{% macro reporting_rate_date(currency) -%}
    {%- set reporting = var('reporting_currency') -%}
    case
        when {{ currency }} = '{{ reporting }}' then null
        {%- if reporting == 'USD' %}
        else unit_rates.rate_date
        {%- else %}
        when {{ currency }} = 'USD' or reporting_rates.rate_date < unit_rates.rate_date
            then reporting_rates.rate_date
        else unit_rates.rate_date
        {%- endif %}
    end
{%- endmacro %}

{#- the day nearest to a date on which there may be a rate of the amount's currency, and one of the
    reported one; the date itself where there are none at all -#}
{% macro nearest_rated_date(date) -%}
    {%- set nearest = namespace(date=date) -%}
    {%- for spans in ['unit_spans', 'reporting_spans'] -%}
        {%- set nearest.date = 'coalesce(greatest(least(' ~ nearest.date ~ ', ' ~ spans
            ~ '.last_rate_date), ' ~ spans ~ '.first_rate_date), ' ~ nearest.date ~ ')' -%}
    {%- endfor -%}
    {{ return(nearest.date) }}
{%- endmacro %}

{#- an amount in the reporting currency, rounded half up to cents: once per row, never per total. An
    amount without a rate stops the build: it would be lost from every sum -#}
{% macro in_reporting_currency(amount, currency, date) -%}
    cast(
        round(
            case
                when {{ amount }} is not null and {{ reporting_rate(currency) }} is null
                    then {{ stop_with(
                        "'no exchange rate for ' || " ~ currency_without_rate(currency)
                        ~ " || ' on ' || coalesce(" ~ as_text(date)
                        ~ ", 'an unknown day') || ' (" ~ var('reporting_currency')
                        ~ " is reported)'"
                    ) }}
                {{ converted_amount(amount, currency) }}
            end,
            2
        ) as decimal(18, 2)
    )
{%- endmacro %}

{#- the branches of a case that convert. A rate is divided by once, at the end, and what engines make
    of a division is brought to seven digits: half a cent is half a cent on all of them -#}
{% macro converted_amount(amount, currency) -%}
    {%- set reporting = var('reporting_currency') -%}
    when {{ currency }} = '{{ reporting }}' then {{ amount }}
    {%- if reporting == 'USD' %}
    else {{ amount }} * unit_rates.usd_per_unit
    {%- else %}
    else {{ round_half(
        share(
            amount ~ ' * case when ' ~ currency ~ " = 'USD' then 1 else unit_rates.usd_per_unit end",
            'reporting_rates.usd_per_unit'
        ), 7
    ) }}
    {%- endif %}
{%- endmacro %}

{#- what lacks a rate: the currency of the amount, else the reporting one -#}
{% macro currency_without_rate(currency) -%}
    {%- set given = "coalesce(" ~ currency ~ ", 'an unknown currency')" -%}
    {%- set reporting = var('reporting_currency') -%}
    {%- if reporting == 'USD' -%}{{ return(given) }}{%- endif -%}
    {{ return(
        "case when " ~ currency ~ " = 'USD' or unit_rates.usd_per_unit is not null then '"
        ~ reporting ~ "' else " ~ given ~ " end"
    ) }}
{%- endmacro %}

{#- stop the statement with a sentence, as a value of a number -#}
{% macro stop_with(sentence) -%}
    {{ return(adapter.dispatch('stop_with', 'marketing')(sentence)) }}
{%- endmacro %}

{#- without a function for it: the failure of the cast names the text -#}
{% macro default__stop_with(sentence) -%}
    cast({{ sentence }} as decimal(18, 4))
{%- endmacro %}

{% macro duckdb__stop_with(sentence) -%}
    error({{ sentence }})
{%- endmacro %}

{#- integer cents as money -#}
{% macro cents_to_amount(cents) -%}
    cast({{ cents }} * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
{%- endmacro %}

{#- integer micros as money, nothing rounded -#}
{% macro micros_to_amount(micros) -%}
    cast({{ micros }} * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
{%- endmacro %}
