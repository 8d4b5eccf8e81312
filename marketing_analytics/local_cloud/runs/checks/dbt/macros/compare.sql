{#
  say of every model how the relation of the run differs from the other one; of each kind of rows that
  differ up to `most_rows` are said, masked here already, and the keys of `most_keys`: all rows with their
  first columns, of changed ones what has changed. `personal` is as for the rows that fail a test.
#}
{% macro compare_models(models, most_keys, most_rows, most_columns, personal) %}
    {% set limits = {'most_keys': most_keys, 'most_rows': most_rows, 'most_columns': most_columns} %}
    {% for model in models %}
        {% do log(tojson({'compared': compare_changes.compare_model(model, limits, personal)}), info=true) %}
    {% endfor %}
{% endmacro %}

{# what one model says: `before` and `after` are database, schema and identifier #}
{% macro compare_model(model, limits, personal) %}
    {% set after = load_relation(api.Relation.create(**model.after)) %}
    {% set before = load_relation(api.Relation.create(**model.before)) if model.before else none %}
    {% set found = {'unique_id': model.unique_id, 'is_built': after is not none, 'is_new': before is none} %}
    {% if after is none %}{{ return(found) }}{% endif %}
    {% set new = compare_changes.columns_by_name(after) %}
    {% do found.update(columns_after=compare_changes.types_of(new)) %}
    {% if before is none %}
        {% do found.update(rows_after=compare_changes.one_row('select count(*) from ' ~ after)[0] | int) %}
        {{ return(found) }}
    {% endif %}
    {% set old = compare_changes.columns_by_name(before) %}
    {% do found.update(columns_before=compare_changes.types_of(old)) %}
    {% set time = model.event_time | lower %}
    {% if time in new and time in old and new[time].data_type == old[time].data_type %}
        {% set bounds = compare_changes.bounds(before, after, old[time].name, new[time].name) %}
        {% set row = compare_changes.one_row(compare_changes.extent(before, after, bounds)) %}
        {% do found.update(
            event_time=new[time].name, first_time=row[0], last_time=row[1],
            all_rows_before=row[2] | int, all_rows_after=row[3] | int
        ) %}
        {% set before = compare_changes.within(before, old[time].name, bounds) %}
        {% set after = compare_changes.within(after, new[time].name, bounds) %}
    {% endif %}
    {% set key = [] %}
    {% for name in model.key if name | lower in new and name | lower in old %}
        {% do key.append(name | lower) %}
    {% endfor %}
    {% if not key or key | length < model.key | length %}
        {% set counts = compare_changes.one_row('select (select count(*) from ' ~ before ~ '), (select count(*) from ' ~ after ~ ')') %}
        {% do found.update(rows_before=counts[0] | int, rows_after=counts[1] | int) %}
        {{ return(found) }}
    {% endif %}
    {% set values = [] %}
    {% for name, column in new.items() if name in old and name not in key %}
        {% if column.data_type == old[name].data_type %}{% do values.append(name) %}{% endif %}
    {% endfor %}
    {% set row = compare_changes.one_row(compare_changes.comparison(before, after, old, new, key, values)) %}
    {% set numbers = row | map('int') | list %}
    {% do found.update(
        key=key,
        rows_before=numbers[0], rows_after=numbers[1],
        keyless_before=numbers[2], keyless_after=numbers[3],
        added=numbers[4], removed=numbers[5], changed=numbers[6],
        changed_by_column=dict(zip(values, numbers[7:]))
    ) %}
    {% if numbers[4] + numbers[5] + numbers[6] > 0 %}
        {% set shown = compare_changes.shown_values(values, found.changed_by_column, limits.most_columns) %}
        {% set table = run_query(compare_changes.some_rows(before, after, old, new, key, values, shown, limits.most_rows)) %}
        {% set names = [] %}
        {% for place in shown %}{% do names.append(new[values[place]].name) %}{% endfor %}
        {% do found.update(
            sample_keys=compare_changes.masked_keys(table, key, limits.most_keys, personal),
            sample_rows=compare_changes.masked_rows(table, key, names, personal)
        ) %}
    {% endif %}
    {{ return(found) }}
{% endmacro %}

{# the time that both sides have: from the later of the first times to the earlier of the last ones #}
{% macro bounds(before, after, old_name, new_name) %}
    {% set found = [] %}
    {% for own, both in [('min', 'max'), ('max', 'min')] %}
        {% do found.append(
            '(select ' ~ both ~ '(moment) from (select ' ~ own ~ '(' ~ adapter.quote(old_name) ~ ') as moment from ' ~ before
            ~ ' union all select ' ~ own ~ '(' ~ adapter.quote(new_name) ~ ') from ' ~ after ~ ') as moments)'
        ) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# that time as texts, and all rows of both sides #}
{% macro extent(before, after, bounds) %}
    select
        cast({{ bounds[0] }} as {{ dbt.type_string() }}) as first_time,
        cast({{ bounds[1] }} as {{ dbt.type_string() }}) as last_time,
        (select count(*) from {{ before }}) as all_rows_before,
        (select count(*) from {{ after }}) as all_rows_after
{% endmacro %}

{# the rows of a relation in that time, in the place of the relation #}
{% macro within(relation, name, bounds) %}
    {{ return(
        '(select * from ' ~ relation ~ ' where ' ~ adapter.quote(name) ~ ' >= ' ~ bounds[0]
        ~ ' and ' ~ adapter.quote(name) ~ ' <= ' ~ bounds[1] ~ ') as of_the_time'
    ) }}
{% endmacro %}

{# rows of both sides beside each other; those whose key is null or not theirs alone are left out #}
{% macro joined_rows(before, after, old, new, key, values) %}
    {% set sides = [('old_rows', before, old), ('new_rows', after, new)] %}
    with
    {% for name, relation, columns in sides %}
    {{ name }} as (
        select
            {% for column in key %}{{ compare_changes.key_value(columns[column], old[column], new[column]) }} as k{{ loop.index0 }}, {% endfor %}
            {% for column in values %}{{ compare_changes.value(columns[column]) }} as v{{ loop.index0 }}, {% endfor %}
            count(*) over (
                partition by {% for column in key %}{{ adapter.quote(columns[column].name) }}{{ ', ' if not loop.last }}{% endfor %}
            ) as rows_of_key
        from {{ relation }}
    ),
    keyed_{{ name }} as (
        select 1 as is_there, {{ name }}.*
        from {{ name }}
        where rows_of_key = 1{% for column in key %} and k{{ loop.index0 }} is not null{% endfor %}
    ),
    {% endfor %}
    joined as (
        select
            keyed_old_rows.is_there as was_there,
            keyed_new_rows.is_there as is_there
            {% for column in key %}, coalesce(keyed_old_rows.k{{ loop.index0 }}, keyed_new_rows.k{{ loop.index0 }}) as k{{ loop.index0 }}{% endfor %}
            {% for column in values %}, keyed_old_rows.v{{ loop.index0 }} as o{{ loop.index0 }}, keyed_new_rows.v{{ loop.index0 }} as n{{ loop.index0 }}{% endfor %}
            {% for column in values %}, case when keyed_old_rows.v{{ loop.index0 }} is distinct from keyed_new_rows.v{{ loop.index0 }} then 1 else 0 end as d{{ loop.index0 }}{% endfor %}
        from keyed_old_rows
        full outer join keyed_new_rows
            on {% for column in key %}keyed_old_rows.k{{ loop.index0 }} = keyed_new_rows.k{{ loop.index0 }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{% endmacro %}

{# whether a row that both sides have differs #}
{% macro is_changed(values) -%}
    {% if values %}({% for column in values %}d{{ loop.index0 }}{{ ' + ' if not loop.last }}{% endfor %}) > 0{% else %}1 = 0{% endif %}
{%- endmacro %}

{# one statement that counts; rows whose key is null or not theirs alone are counted apart #}
{% macro comparison(before, after, old, new, key, values) %}
    {{ compare_changes.joined_rows(before, after, old, new, key, values) }},
    counted as (
        select
            count(*) as pairs,
            sum(case when was_there is null then 1 else 0 end) as added,
            sum(case when is_there is null then 1 else 0 end) as removed,
            sum(case when was_there = 1 and is_there = 1 and {{ compare_changes.is_changed(values) }} then 1 else 0 end) as changed
            {% for column in values %}, sum(case when was_there = 1 and is_there = 1 then d{{ loop.index0 }} else 0 end) as changed_{{ loop.index0 }}{% endfor %}
        from joined
    )
    select
        (select count(*) from old_rows) as rows_before,
        (select count(*) from new_rows) as rows_after,
        (select count(*) from old_rows) - (select count(*) from keyed_old_rows) as keyless_before,
        (select count(*) from new_rows) - (select count(*) from keyed_new_rows) as keyless_after,
        coalesce(added, 0) as added,
        coalesce(removed, 0) as removed,
        coalesce(changed, 0) as changed
        {% for column in values %}, coalesce(changed_{{ loop.index0 }}, 0) as changed_{{ loop.index0 }}{% endfor %}
    from counted
{% endmacro %}

{# the places of the columns that are shown: those with changes first #}
{% macro shown_values(values, changed, most_columns) %}
    {% set found = [] %}
    {% for is_changed in (true, false) %}
        {% for name in values if (changed[name] > 0) == is_changed %}
            {% do found.append(values.index(name)) %}
        {% endfor %}
    {% endfor %}
    {{ return(found[:most_columns] | sort) }}
{% endmacro %}

{# one statement with the first rows that came, went or have other values #}
{% macro some_rows(before, after, old, new, key, values, shown, most_rows) %}
    {{ compare_changes.joined_rows(before, after, old, new, key, values) }},
    differing as (
        select
            case when was_there is null then 'added' when is_there is null then 'removed' else 'changed' end as what
            {% for column in key %}, k{{ loop.index0 }}{% endfor %}
            {% for place in shown %}, o{{ place }}, n{{ place }}, d{{ place }}{% endfor %}
        from joined
        where was_there is null or is_there is null or {{ compare_changes.is_changed(values) }}
    ),
    numbered as (
        select
            differing.*,
            row_number() over (
                partition by what
                order by {% for column in key %}k{{ loop.index0 }}{{ ', ' if not loop.last }}{% endfor %}
            ) as place
        from differing
    )
    select
        what{% for column in key %}, k{{ loop.index0 }}{% endfor %}
        {% for place in shown %}, o{{ place }}, n{{ place }}, d{{ place }}{% endfor %}
    from numbered
    where place <= {{ most_rows }}
    order by what, place
{% endmacro %}

{# the keys of such a statement by what became of their rows #}
{% macro masked_keys(table, key, most_keys, personal) %}
    {% set found = {'added': [], 'removed': [], 'changed': []} %}
    {% for row in table.rows %}
        {% set cells = row.values() %}
        {% set told = [] %}
        {% for name in key %}
            {% do told.append(compare_changes.masked(name, cells[loop.index], personal)) %}
        {% endfor %}
        {% if found[cells[0]] | length < most_keys %}{% do found[cells[0]].append(told) %}{% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# its rows by what became of them: the value of the side that has it, of changed ones both where they differ #}
{% macro masked_rows(table, key, names, personal) %}
    {% set found = {'added': [], 'removed': [], 'changed': []} %}
    {% for row in table.rows %}
        {% set cells = row.values() %}
        {% set told = {} %}
        {% for name in key %}
            {% do told.update({name: compare_changes.masked(name, cells[loop.index], personal)}) %}
        {% endfor %}
        {% for name in names %}
            {% set first = 1 + (key | length) + 3 * loop.index0 %}
            {% set old_value = compare_changes.masked(name, cells[first], personal) %}
            {% set new_value = compare_changes.masked(name, cells[first + 1], personal) %}
            {% if cells[0] != 'changed' %}
                {% do told.update({name: old_value if cells[0] == 'removed' else new_value}) %}
            {% elif cells[first + 2] | int == 1 %}
                {% do told.update({name: {'before': old_value, 'after': new_value}}) %}
            {% endif %}
        {% endfor %}
        {% do found[cells[0]].append(told) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# keys of two types meet as texts #}
{% macro key_value(column, one, other) -%}
    {%- if one.data_type == other.data_type -%}{{ adapter.quote(column.name) }}
    {%- else -%}cast({{ adapter.quote(column.name) }} as {{ dbt.type_string() }}){%- endif -%}
{%- endmacro %}

{# some types have no equality #}
{% macro value(column) -%}
    {%- if column.data_type | lower in ('json', 'xml') -%}cast({{ adapter.quote(column.name) }} as {{ dbt.type_string() }})
    {%- else -%}{{ adapter.quote(column.name) }}{%- endif -%}
{%- endmacro %}

{% macro columns_by_name(relation) %}
    {% set found = {} %}
    {% for column in adapter.get_columns_in_relation(relation) %}
        {% do found.update({column.name | lower: column}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{% macro types_of(columns) %}
    {% set found = {} %}
    {% for column in columns.values() %}
        {% do found.update({column.name: column.data_type}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{% macro one_row(statement) %}
    {{ return(run_query(statement).rows[0].values()) }}
{% endmacro %}
