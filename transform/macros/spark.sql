{#- dbt's adapter cannot make a column not null once its table stands; the project's tests hold it -#}
{% macro spark__persist_constraints(relation, model) %}{% endmacro %}

{#- dbt's adapter loads an empty field of a seed as the text None where it runs in a session; every
    seed says the types of all of its columns -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types') -%}
    {%- set sql -%}
        insert into {{ this.render() }} values
        {%- for row in agate_table.rows %}
        (
            {%- for value in row -%}
                cast({{ seed_value(value) }} as {{ types[agate_table.column_names[loop.index0]] }})
                {%- if not loop.last %}, {% endif -%}
            {%- endfor -%}
        )
            {%- if not loop.last %},{% endif -%}
        {%- endfor -%}
    {%- endset -%}
    {%- if agate_table.rows | length -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {%- endif -%}
    {{ return(sql) }}
{% endmacro %}

{% macro seed_value(value) -%}
    {%- if value is none -%}
        null
    {%- else -%}
        {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) }}
    {%- endif -%}
{%- endmacro %}
