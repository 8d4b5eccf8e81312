{#- the scores of the customers of a day, 1 to 5: by the thresholds of a table, or by fifths of all -#}
{% macro rfm_scored(measured) -%}
    {%- if var('rfm_scoring') == 'quantiles' -%}
    {{ rfm_by_fifths(measured) }}
    {%- else -%}
    {{ rfm_by_thresholds(measured) }}
    {%- endif -%}
{%- endmacro %}

{#- equal values get an equal score, which ntile would not do -#}
{% macro rfm_by_fifths(measured) -%}
    select
        *,
        {{ rfm_fifth('recency_days desc') }} as recency_score,
        {{ rfm_fifth('frequency') }} as frequency_score,
        {{ rfm_fifth('monetary_usd') }} as monetary_score
    from {{ measured }}
{%- endmacro %}

{% macro rfm_fifth(order) -%}
    cast(ceil(5 * cume_dist() over (partition by scored_date order by {{ order }})) as integer)
{%- endmacro %}

{% macro rfm_by_thresholds(measured) -%}
    select
        {{ measured }}.*,
        recency_bounds.score as recency_score,
        frequency_bounds.score as frequency_score,
        monetary_bounds.score as monetary_score
    from {{ measured }}
    {%- for measure, column in [
        ('recency', 'recency_days'), ('frequency', 'frequency'), ('monetary', 'monetary_usd')
    ] %}
    inner join bounds as {{ measure }}_bounds
        on {{ measure }}_bounds.measure = '{{ measure }}'
        and {{ measured }}.{{ column }} >= {{ measure }}_bounds.at_least
        and (
            {{ measure }}_bounds.below is null
            or {{ measured }}.{{ column }} < {{ measure }}_bounds.below
        )
    {%- endfor -%}
{%- endmacro %}

{#- the steps from measures of customers to the rule that names each: `scored`, and `fitting` by the
    scores. They read `thresholds` and `rules` -#}
{% macro rfm_steps(measured) -%}
bounded as (

    -- empty: whatever lies below the others
    select
        measure,
        score,
        coalesce(at_least, -1000000000000000) as at_least
    from thresholds

),

bounds as (

    select
        *,
        lead(at_least) over (partition by measure order by at_least) as below
    from bounded

),

scored as (
    {{ rfm_scored(measured) }}
),

kinds as (

    select
        recency_score,
        frequency_score,
        monetary_score,
        frequency
    from scored
    group by recency_score, frequency_score, monetary_score, frequency

),

fitting as (
    {{ rfm_fitting('inner') }}
)
{%- endmacro %}

{#- is a value within the range of a rule that may be open at either end -#}
{% macro is_within(value, range) -%}
    (({{ range }}_from is null or {{ value }} >= {{ range }}_from)
        and ({{ range }}_to is null or {{ value }} <= {{ range }}_to))
{%- endmacro %}

{#- the rules that fit each kind of customer, 1 being the one that names it; `join` says whether a kind
    that none fits is kept -#}
{% macro rfm_fitting(join) -%}
    select
        kinds.*,
        rules.segment,
        row_number() over (
            partition by
                kinds.recency_score, kinds.frequency_score, kinds.monetary_score, kinds.frequency
            order by rules.priority
        ) as choice
    from kinds
    {{ join }} join rules
        on {{ is_within('kinds.recency_score', 'rules.recency') }}
        and {{ is_within('kinds.frequency_score', 'rules.frequency') }}
        and {{ is_within('kinds.monetary_score', 'rules.monetary') }}
        and {{ is_within('kinds.frequency', 'rules.orders') }}
{%- endmacro %}
