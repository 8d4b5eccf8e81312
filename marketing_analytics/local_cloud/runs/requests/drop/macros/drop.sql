{# drop the target's schema, and those that custom schema names made of it #}
{% macro drop_request_schemas() %}
    {% set own = target.schema | lower %}
    {% for name in adapter.list_schemas(target.database) %}
        {% set found = name | lower %}
        {% if found == own or found.startswith(own ~ '_') %}
            {% do adapter.drop_schema(api.Relation.create(database=target.database, schema=name)) %}
            {% do log('Dropped the schema ' ~ name, info=true) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
