{#- Schemas of branches: {user}_{branch}, as DBT_SCHEMA of a branch's jobs has it -#}

{#- drops the schema of a branch. It must be the one that the job itself writes to, begin with the
    user and end with the branch; `cleanup --with-schemas` runs this before it deletes the job -#}
{% macro drop_branch_schema(schema, user, branch) %}
    {%- set name, first = schema | string, user | string | replace('-', '_') -%}
    {%- set joint = '__' if '_' in first else '_' -%}
    {%- set full = first ~ joint ~ (branch | string | replace('-', '_')) -%}
    {#- one that is too long keeps its start and ends in a hash -#}
    {%- set is_short = full | length <= 63 -%}
    {%- if name != target.schema or name != env_var('DBT_SCHEMA', '') -%}
        {{ exceptions.raise_compiler_error(
            name ~ ' is not the schema of this job, which is ' ~ target.schema
        ) }}
    {%- elif not user or not branch or (name != full if is_short else name[:50] != full[:50]) -%}
        {{ exceptions.raise_compiler_error(
            name ~ ' is not the schema of branch ' ~ branch ~ ' of ' ~ user
        ) }}
    {%- endif -%}
    {#- failures of tests are stored beside it -#}
    {%- for each in [name, name ~ '_dbt_test__audit'] if execute -%}
        {%- if adapter.check_schema_exists(target.database, each) -%}
            {%- do adapter.drop_schema(api.Relation.create(database=target.database, schema=each)) -%}
            {%- do log('dropped schema ' ~ each, info=true) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
