{#- how many standard errors an interval of 95 % reaches to each side, by degrees of freedom: the
    expansion of Student's t, right to 0.001 from five on -#}
{% macro interval_width(freedom) -%}
    (
        1.959964e0
        + 2.372271e0 / {{ as_double(freedom) }}
        + 2.822499e0 / power({{ as_double(freedom) }}, 2)
        + 2.555850e0 / power({{ as_double(freedom) }}, 3)
        + 1.589534e0 / power({{ as_double(freedom) }}, 4)
    )
{%- endmacro %}

{#- the share that is lost of what a power curve gives, when spend is cut by a fifth -#}
{% macro lost_by_a_cut(elasticity) -%}
    (1 - power(0.8e0, {{ as_double(elasticity) }}))
{%- endmacro %}
