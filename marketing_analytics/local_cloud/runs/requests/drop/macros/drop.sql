{# drop the target's schema, and those that custom schema names made of it #}
{% macro drop_request_schemas() %}
    {% set own = target.schema | lower %}
    {% set found = list_schemas(target.database) %}
    {# most adapters answer with a table, whose column has one of two names #}
    {% if found.column_names is defined %}
        {% set column = 'name' if 'name' in found.column_names else found.column_names[0] %}
        {% set found = found.columns[column].values() %}
    {% endif %}
    {% for name in found %}
        {% set lowered = name | lower %}
        {% if lowered == own or lowered.startswith(own ~ '_') %}
            {% do adapter.drop_schema(api.Relation.create(database=target.database, schema=name)) %}
            {% do log('Dropped the schema ' ~ name, info=true) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
