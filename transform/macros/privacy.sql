{#-
    is a cell of a published breakdown merged with others: it has fewer customers than
    minimum_cell_customers, or the smaller ones together would have fewer and could be told by
    subtraction from the total
-#}
{% macro is_merged_cell(customers, breakdown, cell) -%}
    {{ customers }} < {{ var('minimum_cell_customers') }}
    or coalesce(sum({{ customers }}) over (
        partition by {{ breakdown }}
        order by {{ customers }} asc, {{ cell }} asc
        rows between unbounded preceding and 1 preceding
    ), {{ var('minimum_cell_customers') }}) < {{ var('minimum_cell_customers') }}
{%- endmacro %}
