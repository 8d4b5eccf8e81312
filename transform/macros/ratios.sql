{#- a ratio, null where the denominator is zero -#}
{% macro safe_ratio(numerator, denominator) -%}
    ({{ as_double(numerator) }} / nullif({{ as_double(denominator) }}, 0))
{%- endmacro %}

{#- what an ad platform's figures say by themselves, as columns -#}
{% macro ad_ratios() -%}
    {{ safe_ratio('clicks', 'impressions') }} as click_through_rate,
        {{ safe_ratio('spend_usd', 'clicks') }} as cost_per_click_usd,
        {{ safe_ratio('1000 * spend_usd', 'impressions') }} as cost_per_thousand_impressions_usd
{%- endmacro %}

{#- what an ad platform claims for its spend, as columns -#}
{% macro claimed_ratios() -%}
    {{ safe_ratio('spend_usd', 'claimed_conversions') }} as cost_per_claimed_conversion_usd,
        {{ safe_ratio('claimed_value_usd', 'spend_usd') }} as claimed_roas
{%- endmacro %}

{#- what spend brought, as columns. `known` begins the names of attributed figures that stand where
    spend is loaded: without it a part of the spend would be held against all of the revenue -#}
{% macro attributed_ratios(known='attributed') -%}
    {{ safe_ratio('spend_usd', known ~ '_conversions') }} as cost_per_conversion_usd,
        {{ safe_ratio('spend_usd', known ~ '_new_customers') }} as cost_per_new_customer_usd,
        {{ safe_ratio(known ~ '_revenue_usd', 'spend_usd') }} as roas,
        {{ safe_ratio(known ~ '_revenue_usd - spend_usd', 'spend_usd') }} as return_on_investment,
        {{ safe_ratio('claimed_value_usd', 'spend_usd') }} as claimed_roas,
        {{ safe_ratio('claimed_conversions', known ~ '_conversions') }} as over_claim_ratio
{%- endmacro %}
