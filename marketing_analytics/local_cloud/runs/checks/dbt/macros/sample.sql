{#
  say a few of the rows that fail each test, masked here already: what a macro says is in the logs of
  dbt. `personal` is the pattern of the columns of which nothing is said.
#}
{% macro sample_rows(tests, most_rows, most_columns, personal) %}
    {% for test in tests %}
        {% set table = run_query('select * from (' ~ test.sql ~ ') as failing limit ' ~ most_rows) %}
        {% set columns = (table.column_names | list)[:most_columns] %}
        {% set rows = [] %}
        {% for row in table.rows %}
            {% set values = [] %}
            {% for name in columns %}
                {% do values.append(compare_changes.masked(name, row.values()[loop.index0], personal)) %}
            {% endfor %}
            {% do rows.append(values) %}
        {% endfor %}
        {% do log(tojson({'sampled': {
            'unique_id': test.unique_id,
            'columns': columns,
            'rows': rows,
            'more_columns': (table.column_names | length) - (columns | length),
        }}), info=true) %}
    {% endfor %}
{% endmacro %}

{# a text may be a name or an address: its first letter and its length are told #}
{% macro masked(name, value, personal) %}
    {% if value is none %}{{ return('null') }}{% endif %}
    {% if modules.re.search(personal, name, modules.re.IGNORECASE) %}{{ return('**********') }}{% endif %}
    {% if value is string %}{{ return(value[:1] ~ '… (' ~ (value | length) ~ ')') }}{% endif %}
    {{ return((value | string)[:200]) }}
{% endmacro %}
