{#- fits that are made where the warehouse runs no Python: docs/ltv-calculations.md -#}

{#- add rows that were made outside of the warehouse, as texts; the same one is added once -#}
{% macro keep_rows(relation, key, rows, types) -%}
    {%- call statement('keep_rows', auto_begin=True) %}
    insert into {{ relation }} ({{ types | join(', ') }})
    select {{ types | join(', ') }}
    from (
        {%- for row in rows %}
        select
            {%- for name, type in types.items() %}
            cast({{ seed_value(row[name]) }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as made
    where {{ key }} not in (select {{ key }} from {{ relation }})
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- columns without a value -#}
{% macro empty_row(types) -%}
    {%- for name, type in types.items() %}
        cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
