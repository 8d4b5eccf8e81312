{#- what the models of segments read of a customer: docs/segments.md. Each is a column of
    int_segments__features, and has a weight of its name in the fits -#}
{% macro segment_features() -%}
    {{ return([
        'recency', 'frequency', 'age', 'revenue', 'mean_value', 'is_repeat', 'gap', 'overdue',
        'purchases_30d', 'purchases_90d', 'refunds', 'is_last_refunded',
        'visits_30d', 'visits_90d', 'visits_180d', 'visits_since', 'last_visit', 'carts_90d',
        'opens_30d', 'opens_90d', 'opens_180d', 'opens_since',
        'direct_visits', 'email_visits', 'organic_search_visits', 'organic_social_visits',
        'paid_search_visits', 'paid_social_visits', 'referral_visits', 'affiliates_visits'
    ]) }}
{%- endmacro %}

{#- the channels that people come back by: those of the last visits tell the next one -#}
{% macro habitual_channels() -%}
    {{ return([
        'direct', 'email', 'organic_search', 'organic_social', 'paid_search', 'paid_social',
        'referral', 'affiliates'
    ]) }}
{%- endmacro %}

{#- a count or an amount, so that its doubling and not its size matters -#}
{% macro dampened(value) -%}
    ln(1e0 + {{ as_double('coalesce(' ~ value ~ ', 0)') }})
{%- endmacro %}

{#- does a date lie within so many days up to a cut-off -#}
{% macro is_lately(date, days) -%}
    {{ days_between(date, 'cut_offs.cut_off_date') }} < {{ days }}
{%- endmacro %}

{#- did something happen on a day after the last purchase before the cut-off -#}
{% macro is_since_purchase(date) -%}
    {{ days_between(date, 'cut_offs.cut_off_date') }} < cut_offs.recency_days
{%- endmacro %}

{#- the customers that a definition is about -#}
{% macro is_meant(definition, customer) -%}
    {{ customer }}.purchases >= {{ definition }}.least_purchases
        and ({{ definition }}.active_days is null
            or {{ customer }}.recency_days < {{ definition }}.active_days)
{%- endmacro %}

{#- does a customer belong to the seed audience; `revenue_rank` is the place by revenue so far -#}
{% macro is_seed() -%}
    coalesce(
        rfm_segment = segment or (rfm_segment is null and revenue_rank <= top_share * customers),
        false
    )
{%- endmacro %}

{#- the linear score of a model -#}
{% macro weighted(model, customer) -%}
    {{ model }}.intercept
    {%- for name in segment_features() %}
        + coalesce({{ model }}.{{ name }}_weight, 0e0) * {{ customer }}.{{ name }}
    {%- endfor %}
{%- endmacro %}

{#- no model learns more from more customers: of larger shops as many as this, by chance (keys are
    pseudonyms) -#}
{% macro most_examples() -%}
    {{ return(100000) }}
{%- endmacro %}

{#- add trainings that were made outside of the warehouse -#}
{% macro keep_segment_fits(rows) -%}
    {%- do keep_rows(ref('int_segments__fits'), 'fit_id', rows, segment_fit_types()) -%}
{%- endmacro %}

{#- the columns of a training and their types -#}
{% macro segment_fit_types() -%}
    {%- set types = {} -%}
    {%- for type, names in [
        (dbt.type_string(), ['fit_id', 'model_id', 'segment_name', 'outcome', 'goal', 'definition']),
        ('date', ['as_of_date']),
        (dbt.type_timestamp(), ['trained_at']),
        ('date', ['trained_on_date', 'judged_on_date']),
        (dbt.type_int(), ['horizon_days']),
        (dbt.type_string(), ['status', 'reason']),
        (dbt.type_bigint(), ['train_customers', 'judge_customers']),
        (var('double_types').get(target.type, 'double'), [
            'train_share', 'judge_share', 'lift', 'rfm_lift', 'auc', 'rfm_auc', 'brier',
            'calibration_slope', 'calibration_intercept', 'intercept'
        ]),
        (dbt.type_string(), ['calibration'])
    ] -%}
        {%- for name in names %}{% do types.update({name: type}) %}{% endfor -%}
    {%- endfor -%}
    {%- for name in segment_features() -%}
        {%- do types.update({name ~ '_weight': var('double_types').get(target.type, 'double')}) -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}
