{#- Which rows a test looks at, as a condition: every row, or on a run after one that
    was published those that it may have changed. `changed_by` is a column that says so:
    the load that brought or last rewrote a row, or a date: the as-of date that it
    describes, or the one from which on it holds.
    With `key` and `relation` the column is another table's, and rows count whose key is
    among those that changed there, which are few. -#}
{% macro changed_rows(changed_by, key=none, relation=none) -%}
    {%- if (key is none) != (relation is none) -%}
        {{ exceptions.raise_compiler_error(
            "changed_rows: key is '" ~ key ~ "' and relation is '" ~ relation
            ~ "'; expected both or neither"
        ) }}
    {%- endif -%}
    {%- if not tested_load_id() -%}
        1 = 1
    {%- elif relation is not none -%}
        {%- set changed = '(select ' ~ key ~ ' from ' ~ relation ~ ' where '
            ~ changed_rows(changed_by) ~ ')' %}
        {{ key }} in ({{ few_values(changed, key) }})
    {%- elif changed_by.endswith('_date') -%}
        {{ changed_by }} = {{ as_of_date() }}
    {%- else -%}
        {{ changed_by }} > {{ tested_load_id() }}
    {%- endif -%}
{%- endmacro %}
